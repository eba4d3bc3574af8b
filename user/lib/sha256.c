/* SHA-256 as FIPS 180-4 section 6.2 has it. Emulators run it, so instructions count: the 64 rounds
 * are written out in groups of 16 with the roles of the eight variables rotated instead of their
 * values, and the message schedule is 16 words that are renewed in place. */
#include "lib/sha256.h"

#include <string.h>

/* FIPS 180-4 section 4.2.2: fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t
rotate(uint32_t word, int bits)
{
    return word >> bits | word << (32 - bits);
}

/* Section 4.1.2; choice and majority in the forms with fewest operations. */
#define CHOICE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#define BIG_SIGMA_0(x) (rotate(x, 2) ^ rotate(x, 13) ^ rotate(x, 22))
#define BIG_SIGMA_1(x) (rotate(x, 6) ^ rotate(x, 11) ^ rotate(x, 25))
#define SMALL_SIGMA_0(x) (rotate(x, 7) ^ rotate(x, 18) ^ (x) >> 3)
#define SMALL_SIGMA_1(x) (rotate(x, 17) ^ rotate(x, 19) ^ (x) >> 10)

#define ROUND(a, b, c, d, e, f, g, h, i)                                                           \
    do {                                                                                           \
        uint32_t sum = h + BIG_SIGMA_1(e) + CHOICE(e, f, g) + constants[i] + w[i];                 \
        d += sum;                                                                                  \
        h = sum + BIG_SIGMA_0(a) + MAJORITY(a, b, c);                                              \
    } while (0)

#define EIGHT_ROUNDS(i)                                                                            \
    do {                                                                                           \
        ROUND(a, b, c, d, e, f, g, h, (i) + 0);                                                    \
        ROUND(h, a, b, c, d, e, f, g, (i) + 1);                                                    \
        ROUND(g, h, a, b, c, d, e, f, (i) + 2);                                                    \
        ROUND(f, g, h, a, b, c, d, e, (i) + 3);                                                    \
        ROUND(e, f, g, h, a, b, c, d, (i) + 4);                                                    \
        ROUND(d, e, f, g, h, a, b, c, (i) + 5);                                                    \
        ROUND(c, d, e, f, g, h, a, b, (i) + 6);                                                    \
        ROUND(b, c, d, e, f, g, h, a, (i) + 7);                                                    \
    } while (0)

/* The next 16 words of the message schedule (section 6.2.2 step 1), in place of the last 16. */
static void
renew_schedule(uint32_t w[16])
{
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        w[i] += SMALL_SIGMA_0(w[(i + 1) & 15]) + w[(i + 9) & 15] + SMALL_SIGMA_1(w[(i + 14) & 15]);
}

static void
add_blocks(uint32_t state[8], const unsigned char *data, size_t blocks)
{
    uint32_t w[16];

    for (; blocks > 0; blocks--, data += SHA256_BLOCK) {
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        const uint32_t *constants = round_constants;

        memcpy(w, data, SHA256_BLOCK);
        for (int i = 0; i < 16; i++)
            w[i] = __builtin_bswap32(w[i]);
        for (;;) {
            EIGHT_ROUNDS(0);
            EIGHT_ROUNDS(8);
            constants += 16;
            if (constants == round_constants + 64)
                break;
            renew_schedule(w);
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
}

void
sha256_start(struct sha256 *sum)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memcpy(sum->state, start, sizeof start);
    sum->length = 0;
}

void
sha256_add(struct sha256 *sum, const void *data, size_t size)
{
    const unsigned char *from = data;
    size_t held = sum->length % SHA256_BLOCK;

    sum->length += size;
    if (held > 0) {
        size_t part = size < SHA256_BLOCK - held ? size : SHA256_BLOCK - held;
        memcpy(sum->block + held, from, part);
        from += part;
        size -= part;
        if (held + part < SHA256_BLOCK)
            return;
        add_blocks(sum->state, sum->block, 1);
    }
    add_blocks(sum->state, from, size / SHA256_BLOCK);
    memcpy(sum->block, from + size / SHA256_BLOCK * SHA256_BLOCK, size % SHA256_BLOCK);
}

/* Section 5.1.1: a one bit, zeros, and the length in bits as the last 64. */
static void
add_padding(struct sha256 *sum)
{
    static const unsigned char padding[SHA256_BLOCK] = {0x80};
    uint64_t bits = sum->length * 8;
    unsigned char length[8];

    sha256_add(sum, padding, 1 + (2 * SHA256_BLOCK - 9 - sum->length % SHA256_BLOCK) % SHA256_BLOCK);
    for (int i = 0; i < 8; i++)
        length[i] = bits >> (56 - 8 * i);
    sha256_add(sum, length, sizeof length);
}

void
sha256_finish_text(struct sha256 *sum, char text[SHA256_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    add_padding(sum);
    for (int i = 0; i < SHA256_SIZE; i++) {
        unsigned byte = sum->state[i / 4] >> (24 - i % 4 * 8);
        *text++ = digits[byte >> 4 & 15];
        *text++ = digits[byte & 15];
    }
    *text = 0;
}
