/* Lists of strings for execve: see program.h. */
#include "arch.h"
#include "kernel/errno.h"
#include "kernel/heap.h"
#include "kernel/string.h"
#include "kernel/sys/program.h"

#define FIRST_BYTES 2000u
#define PIECE 128u
#define STRING_MOST (32 * 4096u) /* Linux's MAX_ARG_STRLEN: one string with its zero */

static int
string_list_grow(struct string_list *list, size_t wanted)
{
    if (list->used + wanted <= list->size)
        return 0;
    size_t size = list->size ? list->size : FIRST_BYTES;
    while (size < list->used + wanted)
        size *= 2;
    if (size > 2 * STRING_LIST_BYTES_MOST)
        return -E2BIG;
    char *bytes = heap_alloc(size);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, list->bytes, list->used);
    heap_free(list->bytes);
    list->bytes = bytes;
    list->size = size;
    return 0;
}

static int
string_list_append(struct string_list *list, const char *bytes, size_t size)
{
    int error = list->used + size > STRING_LIST_BYTES_MOST ? -E2BIG : string_list_grow(list, size);
    if (error)
        return error;
    memcpy(list->bytes + list->used, bytes, size);
    list->used += size;
    return 0;
}

int
string_list_add(struct string_list *list, const char *string)
{
    int error = string_list_append(list, string, strlen(string) + 1);
    if (!error)
        list->count++;
    return error;
}

static int
string_list_add_user_string(struct string_list *list, const char USER *string)
{
    char piece[PIECE];
    size_t before = list->used;
    for (;; string += PIECE) {
        int error = copy_string_from_user(piece, string, PIECE);
        bool whole = error == 0;
        if (error && error != -ENAMETOOLONG)
            return error;
        error = string_list_append(list, piece, whole ? strlen(piece) + 1 : PIECE);
        if (!error && list->used - before > STRING_MOST)
            error = -E2BIG;
        if (error)
            return error;
        if (whole)
            break;
    }
    list->count++;
    return 0;
}

int
string_list_add_user(struct string_list *list, const u32 USER *pointers)
{
    for (; pointers; pointers++) {
        u32 string;
        int error = copy_from_user(&string, pointers, sizeof(string));
        if (!error && string)
            error = string_list_add_user_string(list, (const char USER *)(uintptr_t)string);
        if (error)
            return error;
        if (!string)
            break;
    }
    return 0;
}

void
string_list_free(struct string_list *list)
{
    heap_free(list->bytes);
    *list = (struct string_list){NULL, 0, 0, 0};
}
