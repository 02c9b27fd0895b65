/* SPDX-License-Identifier: MIT
 *
 * ipcrm shm|msg|sem ID...: the syntax of the first ipcrm of Linux.
 */
#include "ipck_ipcrm.h"

static const char deleted[] = "resource(s) deleted\n";

TEST(each_object_listed_is_removed, VERIFIES(ipcrm_old_syntax, ipcrm_old_syntax_message))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                int id[4];

                burn_ids(m, 70);
                for (int i = 0; i < 4; i++)
                        id[i] = new_object(m, 0600);
                PRINTS(ipcrm_old_syntax_message, deleted, RUN("ipcrm", words_of(m)->kind, decimal(id[0])));
                HOLDS(ipcrm_old_syntax, !exists(m, id[0]));
                HOLDS(ipcrm_old_syntax, exists(m, id[1]) && exists(m, id[2]) && exists(m, id[3]));
                PRINTS(ipcrm_old_syntax_message, deleted,
                       RUN("ipcrm", words_of(m)->kind, decimal(id[3]), decimal(id[1])));
                HOLDS(ipcrm_old_syntax, !exists(m, id[1]) && !exists(m, id[3]));
                HOLDS(ipcrm_old_syntax, exists(m, id[2]));
        }
}

TEST(objects_of_other_kinds_stay, VERIFIES(ipcrm_old_syntax))
{
        int id[3];

        need_util_linux("ipcrm");
        new_objects_with_one_id(id);
        EACH_ROW(m, mechanisms) {
                PRINTS(ipcrm_old_syntax, deleted, RUN("ipcrm", words_of(m)->kind, decimal(id[0])));
                EACH_ROW(other, mechanisms)
                        EQ(ipcrm_old_syntax, exists(other, id[0]), other > m);
        }
}

TEST(one_wrong_among_good_ones, VERIFIES(ipcrm_old_syntax_bad))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int removed = new_object(m, 0600);
                const struct {
                        const char *name, *id;
                } wrong[] = {
                        {"a removed object", decimal(removed)}, {"-1", "-1"}, {"a word", "all"},
                        {"a letter behind it", formatted("%dx", removed)}, {"beyond 64 bits", "99999999999999999999"},
                };

                MUST(m->remove(removed));
                EACH_ROW(row, wrong) {
                        const int one = new_object(m, 0600), two = new_object(m, 0600), kept = new_object(m, 0600);

                        COMPLAINS(ipcrm_old_syntax_bad, RUN("ipcrm", words_of(m)->kind, row->id));
                        COMPLAINS(ipcrm_old_syntax_bad, RUN("ipcrm", words_of(m)->kind, decimal(one), row->id,
                                                            decimal(two)));
                        HOLDS(ipcrm_old_syntax_bad, !exists(m, one) && !exists(m, two));
                        HOLDS(ipcrm_old_syntax_bad, exists(m, kept));
                }
        }
}

/* ipcrm shm "$id", where the variable is not set. */
TEST(empty_identifier_is_not_0, VERIFIES(ipcrm_old_syntax_empty))
{
        need_util_linux("ipcrm");
        enter_new_ipc_namespace();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                if (id != 0)
                        UNSUPPORTED("an object with the identifier 0 (the first %s has %d)", m->name, id);
                COMPLAINS(ipcrm_old_syntax_empty, RUN("ipcrm", words_of(m)->kind, ""));
                HOLDS(ipcrm_old_syntax_empty, exists(m, id));
        }
}

TEST(identifier_beyond_32_bits_names_nothing, VERIFIES(ipcrm_old_syntax_range))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                COMPLAINS(ipcrm_old_syntax_range, RUN("ipcrm", words_of(m)->kind, formatted("%lld", id + (1LL << 32))));
                HOLDS(ipcrm_old_syntax_range, exists(m, id));
        }
}

TEST(object_of_another_user_stays, VERIFIES(ipcrm_old_syntax_noperm))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int foreign = new_object_of(m, USER_A, 0666);
                struct child user;

                CHILD(&user) {
                        as_user(USER_B);
                        const int own = new_object(m, 0600);
                        COMPLAINS(ipcrm_old_syntax_noperm,
                                  RUN("ipcrm", words_of(m)->kind, decimal(foreign), decimal(own)));
                        HOLDS(ipcrm_old_syntax_noperm, !exists(m, own));
                }
                join(&user);
                HOLDS(ipcrm_old_syntax_noperm, exists(m, foreign));
        }
}

TEST(keyword_alone_is_no_command, VERIFIES(ipcrm_old_syntax_none))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600);

                COMPLAINS(ipcrm_old_syntax_none, RUN("ipcrm", words_of(m)->kind));
                HOLDS(ipcrm_old_syntax_none, exists(m, id));
        }
}
