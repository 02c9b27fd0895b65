/* SPDX-License-Identifier: MIT
 *
 * Who may remove what with ipcrm.
 */
#include <linux/capability.h>

#include "ipck_ipcrm.h"

/* An object of USER_A with that key. */
static int object_of_another(const struct mechanism *m, key_t key, int mode)
{
        struct child creator;

        CHILD(&creator) {
                as_user(USER_A);
                new_object_with(m, key, mode);
        }
        join(&creator);
        return (int)MUST(m->get(key, 0));
}

/* Modes that grant a stranger all that they can, and nothing. */
static const struct {
        const char *name;
        int mode;
} modes[] = {{"all permissions", 0666}, {"no permission", 0600}};

TEST(object_of_another_user_stays, VERIFIES(ipcrm_noperm))
{
        EACH_ROW(m, mechanisms)
                EACH_ROW(row, modes) {
                        const key_t key = fresh_key();
                        const int id = object_of_another(m, key, row->mode);
                        struct child stranger;

                        CHILD(&stranger) {
                                as_user(USER_B);
                                COMPLAINS(ipcrm_noperm, RUN("ipcrm", words_of(m)->id, decimal(id)));
                                COMPLAINS(ipcrm_noperm, RUN("ipcrm", words_of(m)->key, decimal(key)));
                        }
                        join(&stranger);
                        HOLDS(ipcrm_noperm, exists(m, id));
                        EQ(ipcrm_noperm, m->get(key, 0), id);
                }
}

/* The group of the object counts for nothing here. */
TEST(object_of_the_own_group_stays, VERIFIES(ipcrm_noperm))
{
        EACH_ROW(m, mechanisms) {
                const int id = new_gift(m, 0660).id;
                struct child member;

                CHILD(&member) {
                        become(USER_C, GROUP_B, (const gid_t[]){GROUP_A}, 1);
                        COMPLAINS(ipcrm_noperm, RUN("ipcrm", words_of(m)->id, decimal(id)));
                }
                join(&member);
                HOLDS(ipcrm_noperm, exists(m, id));
        }
}

TEST(one_of_several_belongs_to_another_user, VERIFIES(ipcrm_noperm))
{
        EACH_ROW(m, mechanisms) {
                const int foreign = object_of_another(m, fresh_key(), 0666);
                struct child user;

                CHILD(&user) {
                        as_user(USER_B);
                        const int own = new_object(m, 0600);
                        COMPLAINS(ipcrm_noperm, RUN("ipcrm", words_of(m)->id, decimal(own), words_of(m)->id,
                                                    decimal(foreign)));
                        HOLDS(ipcrm_noperm, !exists(m, own));
                }
                join(&user);
                HOLDS(ipcrm_noperm, exists(m, foreign));
        }
}

TEST(owner_and_creator_may_remove, VERIFIES(ipcrm_owner_creator))
{
        EACH_ROW(m, mechanisms) {
                const struct gift by_owner = new_gift(m, 0), by_creator = new_gift(m, 0);
                struct child owner, creator;

                CHILD(&owner) {
                        become(USER_B, GROUP_C, NULL, 0);
                        SUCCEEDS(ipcrm_owner_creator, RUN("ipcrm", words_of(m)->id, decimal(by_owner.id)));
                }
                join(&owner);
                CHILD(&creator) {
                        become(USER_A, GROUP_C, NULL, 0);
                        SUCCEEDS(ipcrm_owner_creator, RUN("ipcrm", words_of(m)->key, decimal(by_creator.key)));
                }
                join(&creator);
                HOLDS(ipcrm_owner_creator, !exists(m, by_owner.id));
                HOLDS(ipcrm_owner_creator, !exists(m, by_creator.id));
        }
}

/* The same where there is no second user. */
TEST(owner_may_remove_what_nobody_may_use, VERIFIES(ipcrm_owner_creator))
{
        drop_privileges_for_good();
        EACH_ROW(m, mechanisms) {
                const key_t key = fresh_key();
                const int id = new_object(m, 0), keyed = new_object_with(m, key, 0);

                SUCCEEDS(ipcrm_owner_creator, RUN("ipcrm", words_of(m)->id, decimal(id), words_of(m)->key,
                                                  decimal(key)));
                HOLDS(ipcrm_owner_creator, !exists(m, id) && !exists(m, keyed));
        }
}

TEST(privileged_user_may_remove_what_others_own, VERIFIES(ipcrm_privileged))
{
        EACH_ROW(m, mechanisms) {
                const key_t key = fresh_key();
                const int id = object_of_another(m, fresh_key(), 0600), keyed = object_of_another(m, key, 0);

                if (geteuid() != 0 || !has_capability(CAP_SYS_ADMIN))
                        UNSUPPORTED("user 0 with CAP_SYS_ADMIN");
                SUCCEEDS(ipcrm_privileged, RUN("ipcrm", words_of(m)->id, decimal(id)));
                SUCCEEDS(ipcrm_privileged, RUN("ipcrm", words_of(m)->key, decimal(key)));
                HOLDS(ipcrm_privileged, !exists(m, id) && !exists(m, keyed));
        }
}

TEST(diagnostic_names_the_key_that_was_given, VERIFIES(ipcrm_key_noperm_message))
{
        need_util_linux("ipcrm");
        EACH_ROW(m, mechanisms) {
                const char *const key = formatted("0x%08x", (unsigned)fresh_key());
                struct child stranger;

                object_of_another(m, (key_t)strtol(key, NULL, 16), 0600);
                CHILD(&stranger) {
                        as_user(USER_B);
                        COMPLAINS_OF(ipcrm_key_noperm_message, key, RUN("ipcrm", words_of(m)->key, key));
                }
                join(&stranger);
        }
}
