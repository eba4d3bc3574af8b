/* Memory and string functions, with the C library's meanings. (Names in parentheses: string.h has
 * macros of the same names.) */
#include "kernel/string.h"

void *
(memcpy)(void *to, const void *from, size_t size)
{
    void *result = to;
    size_t words = size / 4;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words)::"memory");
    size &= 3;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
    return result;
}

void *
memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    u8 *t = to;
    const u8 *f = from;
    while (size-- > 0)
        t[size] = f[size];
    return to;
}

void *
(memset)(void *to, int value, size_t size)
{
    void *result = to;
    u32 pattern = (u8)value * 0x01010101u;
    size_t words = size / 4;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    size &= 3;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(pattern) : "memory");
    return result;
}

int
memcmp(const void *left, const void *right, size_t size)
{
    const u8 *l = left, *r = right;
    if (size == 0)
        return 0;
    __asm__("repe cmpsb" : "+S"(l), "+D"(r), "+c"(size) : : "memory", "cc");
    return l[-1] - r[-1]; /* the first that differ, or the last of all */
}

void *
memchr(const void *memory, int value, size_t size)
{
    const u8 *byte = memory;
    bool found;
    if (size == 0)
        return NULL;
    __asm__("repne scasb" : "+D"(byte), "+c"(size), "=@ccz"(found) : "a"((u8)value) : "memory");
    return found ? (void *)(byte - 1) : NULL;
}

size_t
strlen(const char *string)
{
    const char *end = string;
    while (*end)
        end++;
    return end - string;
}

int
strcmp(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return (u8)*left - (u8)*right;
}

int
strncmp(const char *left, const char *right, size_t size)
{
    for (; size > 0; size--, left++, right++)
        if (*left != *right || !*left)
            return (u8)*left - (u8)*right;
    return 0;
}

char *
strchr(const char *string, int character)
{
    for (;; string++) {
        if (*string == (char)character)
            return (char *)string;
        if (!*string)
            return NULL;
    }
}
