/* printf for the kernel: see format.h. Called from any context; keeps nothing. */
#include "kernel/format.h"
#include "kernel/string.h"

struct output {
    char *next, *end; /* *end is kept for the zero */
};

struct directive {
    bool left, zero;
    int width, precision; /* precision -1: none */
    int longs;            /* number of l; z counts as the size of a size_t */
};

static void
put_char(struct output *out, char c)
{
    if (out->next < out->end)
        *out->next++ = c;
}

static void
put_padded(struct output *out, const struct directive *d, const char *text, int length, char pad)
{
    int padding = d->width - length;
    if (!d->left)
        while (padding-- > 0)
            put_char(out, pad);
    for (int i = 0; i < length; i++)
        put_char(out, text[i]);
    if (d->left)
        while (padding-- > 0)
            put_char(out, ' ');
}

static void
put_number(struct output *out, const struct directive *d, u64 value, bool negative, u32 base,
           bool capitals)
{
    const char *digits = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    char *first = text + sizeof(text);
    do {
        *--first = digits[value % base];
        value /= base;
    } while (value);
    bool zeros = d->zero && !d->left;
    if (negative && zeros) {
        put_char(out, '-');
        struct directive rest = *d;
        rest.width--;
        put_padded(out, &rest, first, text + sizeof(text) - first, '0');
        return;
    }
    if (negative)
        *--first = '-';
    put_padded(out, d, first, text + sizeof(text) - first, zeros ? '0' : ' ');
}

static u64
take_unsigned(const struct directive *d, va_list *arguments)
{
    if (d->longs >= 2)
        return va_arg(*arguments, unsigned long long);
    if (d->longs == 1)
        return va_arg(*arguments, unsigned long);
    return va_arg(*arguments, unsigned);
}

static s64
take_signed(const struct directive *d, va_list *arguments)
{
    if (d->longs >= 2)
        return va_arg(*arguments, long long);
    if (d->longs == 1)
        return va_arg(*arguments, long);
    return va_arg(*arguments, int);
}

static int
parse_count(const char **format, va_list *arguments)
{
    int value = 0;
    if (**format == '*') {
        ++*format;
        return va_arg(*arguments, int);
    }
    while (**format >= '0' && **format <= '9')
        value = value * 10 + *(*format)++ - '0';
    return value;
}

static void
parse_directive(const char **format, struct directive *d, va_list *arguments)
{
    *d = (struct directive){.precision = -1};
    for (;; ++*format) {
        if (**format == '-')
            d->left = true;
        else if (**format == '0')
            d->zero = true;
        else
            break;
    }
    d->width = parse_count(format, arguments);
    if (d->width < 0) { /* an argument: means the flag - */
        d->left = true;
        d->width = -d->width;
    }
    if (**format == '.') {
        ++*format;
        d->precision = parse_count(format, arguments);
    }
    for (; **format == 'l' || **format == 'z'; ++*format)
        d->longs++;
}

static void
put_string(struct output *out, const struct directive *d, const char *text)
{
    if (!text)
        text = "(null)";
    int length = 0;
    while ((d->precision < 0 || length < d->precision) && text[length])
        length++;
    put_padded(out, d, text, length, ' ');
}

static void
put_directive(struct output *out, char conversion, const struct directive *d, va_list *arguments)
{
    char c;
    s64 number;
    switch (conversion) {
    case 'd':
    case 'i':
        number = take_signed(d, arguments);
        put_number(out, d, number < 0 ? -(u64)number : (u64)number, number < 0, 10, false);
        break;
    case 'u':
        put_number(out, d, take_unsigned(d, arguments), false, 10, false);
        break;
    case 'o':
        put_number(out, d, take_unsigned(d, arguments), false, 8, false);
        break;
    case 'x':
    case 'X':
        put_number(out, d, take_unsigned(d, arguments), false, 16, conversion == 'X');
        break;
    case 'p':
        put_number(out, d, (uintptr_t)va_arg(*arguments, void *), false, 16, false);
        break;
    case 's':
        put_string(out, d, va_arg(*arguments, const char *));
        break;
    case 'c':
        c = (char)va_arg(*arguments, int);
        put_padded(out, d, &c, 1, ' ');
        break;
    default:
        put_char(out, conversion);
    }
}

size_t
format_string_list(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output out = {buffer, buffer + size - 1};
    va_list list;
    va_copy(list, arguments);
    while (*format) {
        if (*format != '%') {
            put_char(&out, *format++);
            continue;
        }
        struct directive d;
        format++;
        parse_directive(&format, &d, &list);
        if (!*format)
            break;
        put_directive(&out, *format++, &d, &list);
    }
    va_end(list);
    *out.next = 0;
    return out.next - buffer;
}

size_t
format_string(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = format_string_list(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
