/* SHA-256, [FIPS 180-4] 5.1.1, 6.2. */
#include <stdio.h>
#include <string.h>

#include "ext2_host.h"

/* Fractional parts of the cube roots of the first 64 primes, 4.2.2; made at the first use. */
static u32 constants[64];

static u64
integer_root(unsigned __int128 value, unsigned power)
{
    u64 root = 0;
    for (int bit = 41; bit >= 0; bit--) {
        unsigned __int128 candidate = root | 1ull << bit, product = candidate;
        for (unsigned i = 1; i < power; i++)
            product *= candidate;
        if (product <= value)
            root = (u64)candidate;
    }
    return root;
}

static u32 first_state[8];

static void
make_constants(void)
{
    unsigned found = 0;
    for (unsigned number = 2; found < 64; number++) {
        bool prime = true;
        for (unsigned divisor = 2; divisor < number; divisor++)
            prime &= number % divisor != 0;
        if (!prime)
            continue;
        if (found < 8) /* square roots, 5.3.3 */
            first_state[found] = (u32)integer_root((unsigned __int128)number << 64, 2);
        constants[found++] = (u32)integer_root((unsigned __int128)number << 96, 3);
    }
}

static u32
rotate(u32 word, unsigned bits)
{
    return word >> bits | word << (32 - bits);
}

static void
add_block(struct sha256 *sum, const u8 *block)
{
    u32 w[64], s[8];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (u32)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        u32 a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        u32 b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(s, sum->state, sizeof s);
    for (unsigned i = 0; i < 64; i++) {
        u32 one = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                  ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        u32 two = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                  ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (unsigned i = 0; i < 8; i++)
        sum->state[i] += s[i];
}

void
sha256_init(struct sha256 *sum)
{
    if (!constants[0])
        make_constants();
    memcpy(sum->state, first_state, sizeof first_state);
    sum->length = 0;
}

void
sha256_add(struct sha256 *sum, const void *data, size_t size)
{
    const u8 *bytes = data;
    while (size > 0) {
        size_t used = sum->length % 64, piece = MIN(size, 64 - used);
        memcpy(sum->block + used, bytes, piece);
        sum->length += piece;
        bytes += piece;
        size -= piece;
        if (used + piece == 64)
            add_block(sum, sum->block);
    }
}

void
sha256_end(struct sha256 *sum, char text[65])
{
    u64 bits = sum->length * 8;
    u8 length[8];
    for (unsigned i = 0; i < 8; i++)
        length[i] = (u8)(bits >> (56 - 8 * i));
    sha256_add(sum, "\x80", 1);
    while (sum->length % 64 != 56)
        sha256_add(sum, "", 1);
    sha256_add(sum, length, 8);
    for (unsigned i = 0; i < 8; i++)
        sprintf(text + 8 * i, "%08x", sum->state[i]);
}
