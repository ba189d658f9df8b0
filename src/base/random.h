/*
** Random numbers as a pure function: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers:
** as easy as 1, 2, 3") of (seed, serial of the call, index of the element in the whole tensor).
** Who computes an element, in what order and on how many threads, changes nothing.
** A generator is the small state behind a stream of calls: copy the two numbers and you have
** copied the stream.
*/
#ifndef MLP_BASE_RANDOM_H
#define MLP_BASE_RANDOM_H

#include <stdint.h>

typedef struct {
  uint64_t seed;
  uint64_t serial; /* of the next call that draws */
} mlp_stream;

/* Four words for block `block` of call (seed, serial). */
static inline void mlp_philox(uint32_t out[4], uint64_t seed, uint64_t serial, uint64_t block) {
  uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32);
  uint32_t c2 = (uint32_t)serial, c3 = (uint32_t)(serial >> 32);
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1, c3 = (uint32_t)p0, c0 = n0, c2 = n2;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* [0, 1) with 24 bits, exact in float. */
static inline float mlp_unit_f32(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

/* [0, 1) with 53 bits, exact in double. */
static inline double mlp_unit_f64(uint32_t high, uint32_t low) {
  return (double)((((uint64_t)high << 32) | low) >> 11) * 0x1p-53;
}

/*
** A whole number in 0 .. count - 1 (count 0 stands for 2^64) for element `element` of a call,
** without bias: Lemire 2019, "Fast random integer generation in an interval": the high half of
** word * count, where the few words that would make some numbers likelier are drawn again.
** Element i has word pair i % 2 of block i / 2; attempt k adds k * 2^48 to the block, and no tensor
** has 2^48 elements.
*/
static inline uint64_t mlp_below(uint64_t count, uint64_t seed, uint64_t serial, uint64_t element) {
  uint64_t unfair = count ? (0 - count) % count : 0;
  for (uint64_t attempt = 0;; attempt++) {
    uint32_t w[4];
    mlp_philox(w, seed, serial, element / 2 + (attempt << 48));
    uint64_t word = (uint64_t)w[2 * (element % 2)] << 32 | w[2 * (element % 2) + 1];
    if (count == 0) return word;
    unsigned __int128 product = (unsigned __int128)word * count;
    if ((uint64_t)product >= unfair) return (uint64_t)(product >> 64);
  }
}

#endif
