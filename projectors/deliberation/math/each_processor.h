#pragma once

// Before a function: compiles it for two generations of processors, and chooses the fitting one
// when the program starts. For loops over numbers that are independent of each other, or are added
// in an order of their own: without fused operations, which are off everywhere, both give the same
// bits. Not under sanitizers, which are not ready when the choice is made.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SLUICE_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define SLUICE_EACH_PROCESSOR
#endif
