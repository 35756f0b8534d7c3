/* SPDX-License-Identifier: Apache-2.0 */
/* sanitized.h: SANITIZED is whether AddressSanitizer is in this build, which gcc says in one way and clang in another. */
#ifndef MOHR_TESTS_SANITIZED_H
#define MOHR_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
