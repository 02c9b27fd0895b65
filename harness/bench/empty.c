/* SPDX-License-Identifier: MIT
 *
 * empty.c: 512 tests that do nothing, so that `make bench` sees what the runner itself costs.
 */
#include "ipck.h"

#define EMPTY(name)                                                     \
        TEST(name, VERIFIES(semop_ret_zero))                            \
        {                                                               \
                EQ(semop_ret_zero, 0, 0);                               \
        }
#define EIGHT(m, n) m(n##0) m(n##1) m(n##2) m(n##3) m(n##4) m(n##5) m(n##6) m(n##7)
#define SIXTY_FOUR(n) EIGHT(EIGHTS_, n)
#define EIGHTS_(n) EIGHT_(EMPTY, n)
#define EIGHT_(m, n) m(n##0) m(n##1) m(n##2) m(n##3) m(n##4) m(n##5) m(n##6) m(n##7)

SIXTY_FOUR(a)
SIXTY_FOUR(b)
SIXTY_FOUR(c)
SIXTY_FOUR(d)
SIXTY_FOUR(e)
SIXTY_FOUR(f)
SIXTY_FOUR(g)
SIXTY_FOUR(h)
