/* SPDX-License-Identifier: MIT
 *
 * ipcrm -Q, -M and -S: removal by key.
 */
#include <limits.h>

#include "ipck_ipcrm.h"

static enum ipck_requirement option_of(const struct mechanism *m)
{
        static const enum ipck_requirement options[] = {[QUEUE] = ipcrm_Q, [SET] = ipcrm_S, [SEGMENT] = ipcrm_M};

        return options[m - mechanisms];
}

/* Another than IPC_PRIVATE that fits into what POSIX lets a decimal number be, used by nothing yet. */
static key_t positive_key(void)
{
        const key_t key = fresh_key();

        REQUIRE(key > 0);
        return key;
}

TEST(object_with_the_key_is_removed, VERIFIES(ipcrm_Q, ipcrm_S, ipcrm_M, ipcrm_silent))
{
        EACH_ROW(m, mechanisms) {
                /* The identifier is another number than the key, and other objects are there. */
                const key_t key = positive_key();
                const int before = new_object_with(m, positive_key(), 0600), id = new_object_with(m, key, 0600);

                SUCCEEDS(ipcrm_silent, RUN("ipcrm", words_of(m)->key, decimal(key)));
                HOLDS(option_of(m), !key_exists(m, key));
                HOLDS(option_of(m), !exists(m, id));
                HOLDS(option_of(m), exists(m, before));
        }
}

/* An identifier is no key, and a key no identifier. */
TEST(key_is_not_taken_for_an_identifier, VERIFIES(ipcrm_Q, ipcrm_S, ipcrm_M))
{
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 3);
                const int named = new_object(m, 0600);
                if (named == 0 || key_exists(m, (key_t)named))
                        UNSUPPORTED("an identifier that is no %s's key (%d)", m->name, named);
                const int keyed = new_object_with(m, (key_t)named, 0600);

                SUCCEEDS(option_of(m), RUN("ipcrm", words_of(m)->key, decimal(named)));
                HOLDS(option_of(m), !exists(m, keyed));
                HOLDS(option_of(m), exists(m, named));
        }
}

TEST(segment_with_the_key_is_destroyed_after_the_last_detach, VERIFIES(ipcrm_M))
{
        const key_t key = positive_key();
        const int segment = new_object_with(&mechanisms[SEGMENT], key, 0600);
        char *const memory = attach(segment, 0);

        fill_pattern(memory, page_size(), 7);
        SUCCEEDS(ipcrm_M, RUN("ipcrm", "-M", decimal(key)));
        FAILS_WITH(ipcrm_M, ENOENT, shmget(key, 0, 0));
        HOLDS(ipcrm_M, has_pattern(memory, page_size(), 7));
        detach(memory);
        HOLDS(ipcrm_M, !exists(&mechanisms[SEGMENT], segment));
}

TEST(objects_of_other_kinds_with_the_key_stay, VERIFIES(ipcrm_only_named))
{
        const key_t key = positive_key(), neighbour = key == INT_MAX ? key - 1 : key + 1;

        EACH_ROW(m, mechanisms) {
                new_object_with(m, key, 0600);
                if (!key_exists(m, neighbour))
                        new_object_with(m, neighbour, 0600);
        }
        EACH_ROW(m, mechanisms) {
                SUCCEEDS(ipcrm_only_named, RUN("ipcrm", words_of(m)->key, decimal(key)));
                EACH_ROW(other, mechanisms) {
                        EQ(ipcrm_only_named, key_exists(other, key), other > m);
                        HOLDS(ipcrm_only_named, key_exists(other, neighbour));
                }
        }
}

TEST(unused_key_is_told_of, VERIFIES(ipcrm_bad_key, ipcrm_stdout_unused))
{
        EACH_ROW(m, mechanisms) {
                const key_t key = positive_key();

                /* The other kinds have it. */
                EACH_ROW(other, mechanisms)
                        if (other != m)
                                new_object_with(other, key, 0600);
                COMPLAINS(ipcrm_bad_key, RUN("ipcrm", words_of(m)->key, decimal(key)));
                COMPLAINS(ipcrm_stdout_unused, RUN("ipcrm", words_of(m)->key, decimal(key)));
                EACH_ROW(other, mechanisms)
                        EQ(ipcrm_bad_key, key_exists(other, key), other != m);
        }
}

/* Its objects have no key: -Q 0 is about none of them, nor does it make one. */
TEST(private_key_names_nothing, VERIFIES(ipcrm_key_private))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600), count = objects_of(m);

                COMPLAINS(ipcrm_key_private, RUN("ipcrm", words_of(m)->key, "0"));
                COMPLAINS(ipcrm_key_private, RUN("ipcrm", words_of(m)->key, "0x00000000"));
                HOLDS(ipcrm_key_private, exists(m, id));
                EQ(ipcrm_key_private, objects_of(m), count);
        }
}
