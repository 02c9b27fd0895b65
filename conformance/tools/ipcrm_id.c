/* SPDX-License-Identifier: MIT
 *
 * ipcrm -q, -m and -s: removal by identifier, what it does to those who use the object, and what it leaves alone.
 */
#include <limits.h>

#include "ipck_ipcrm.h"

static enum ipck_requirement option_of(const struct mechanism *m)
{
        static const enum ipck_requirement options[] = {[QUEUE] = ipcrm_q, [SET] = ipcrm_s, [SEGMENT] = ipcrm_m};

        return options[m - mechanisms];
}

TEST(object_with_the_identifier_is_removed, VERIFIES(ipcrm_q, ipcrm_s, ipcrm_m, ipcrm_silent))
{
        EACH_ROW(m, mechanisms) {
                const key_t key = fresh_key();
                const int id = new_object_with(m, key, 0600);

                MUST(m->write(id));
                SUCCEEDS(ipcrm_silent, RUN("ipcrm", words_of(m)->id, decimal(id)));
                HOLDS(option_of(m), !exists(m, id));
                HOLDS(option_of(m), !key_exists(m, key));
        }
}

/* The first object of a namespace of Linux has the identifier 0. */
TEST(identifier_0_is_one_like_others, VERIFIES(ipcrm_q, ipcrm_s, ipcrm_m))
{
        enter_new_ipc_namespace();
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600), other = new_object(m, 0600);

                if (id != 0)
                        UNSUPPORTED("an object with the identifier 0 (the first %s has %d)", m->name, id);
                SUCCEEDS(option_of(m), RUN("ipcrm", words_of(m)->id, "0"));
                HOLDS(option_of(m), !exists(m, id));
                HOLDS(option_of(m), exists(m, other));
        }
}

TEST(identifier_with_a_sequence_number_is_all_of_it, VERIFIES(ipcrm_q, ipcrm_s, ipcrm_m, ipcrm_badid))
{
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 150);
                const int id = new_object(m, 0600);
                const struct {
                        const char *name;
                        int id;
                } rows[] = {
                        {"the next id", id + 1},
                        {"another sequence number", id ^ 0x8000},
                        {"no sequence number", id & 0x7fff},
                        {"the highest bit differs", id ^ 0x40000000},
                        {"its negative", -id},
                        {"-1", -1},
                        {"the largest id", INT_MAX},
                };

                EACH_ROW(row, rows) {
                        if (row->id == id || exists(m, row->id))
                                continue;
                        COMPLAINS(ipcrm_badid, RUN("ipcrm", words_of(m)->id, decimal(row->id)));
                        HOLDS(option_of(m), exists(m, id));
                }
                SUCCEEDS(option_of(m), RUN("ipcrm", words_of(m)->id, decimal(id)));
                HOLDS(option_of(m), !exists(m, id));
        }
}

TEST(identifier_of_a_removed_object_is_told_of, VERIFIES(ipcrm_badid, ipcrm_stdout_unused))
{
        EACH_ROW(m, mechanisms) {
                const int id = new_object(m, 0600), other = new_object(m, 0600);

                MUST(m->remove(id));
                COMPLAINS(ipcrm_badid, RUN("ipcrm", words_of(m)->id, decimal(id)));
                COMPLAINS(ipcrm_stdout_unused, RUN("ipcrm", words_of(m)->id, decimal(id)));
                HOLDS(ipcrm_badid, exists(m, other));
        }
}

/* ---- only what is named ---- */

static void expect_all_but(const int id[3], const int other[3], const struct mechanism *removed)
{
        EACH_ROW(m, mechanisms) {
                EQ(ipcrm_only_named, exists(m, id[m - mechanisms]), m > removed);
                HOLDS(ipcrm_only_named, exists(m, other[m - mechanisms]));
        }
}

TEST(objects_of_other_kinds_with_the_identifier_stay, VERIFIES(ipcrm_only_named))
{
        int id[3], other[3];

        new_objects_with_one_id(id);
        EACH_ROW(m, mechanisms) {
                other[m - mechanisms] = new_object(m, 0600);
                MUST(m->write(other[m - mechanisms]));
        }
        EACH_ROW(m, mechanisms) {
                SUCCEEDS(ipcrm_only_named, RUN("ipcrm", words_of(m)->id, decimal(id[m - mechanisms])));
                expect_all_but(id, other, m);
        }
        EQ(ipcrm_only_named, QNUM(other[QUEUE]), 1);
        EQ(ipcrm_only_named, VAL(other[SET], 1), 1);
}

/* ---- those who use it ---- */

TEST(attached_segment_is_destroyed_after_the_last_detach, VERIFIES(ipcrm_m))
{
        const key_t key = fresh_key();
        const int segment = new_object_with(&mechanisms[SEGMENT], key, 0600);
        char *const memory = attach(segment, 0), *const again = attach(segment, SHM_RDONLY);

        fill_pattern(memory, page_size(), 5);
        SUCCEEDS(ipcrm_m, RUN("ipcrm", "-m", decimal(segment)));
        FAILS_WITH(ipcrm_m, ENOENT, shmget(key, 0, 0));
        HOLDS(ipcrm_m, has_pattern(again, page_size(), 5));
        detach(memory);
        HOLDS(ipcrm_m, has_pattern(again, page_size(), 5));
        detach(again);
        HOLDS(ipcrm_m, !exists(&mechanisms[SEGMENT], segment));
}

TEST(messages_go_with_their_queue, VERIFIES(ipcrm_q))
{
        const int queue = new_queue(0600);

        post(queue, 1, "first");
        post(queue, 2, "second");
        SUCCEEDS(ipcrm_q, RUN("ipcrm", "-q", decimal(queue)));
        FAILS_WITH(ipcrm_q, EINVAL, take(queue, 0));
}

TEST(blocked_receiver_and_sender_are_told, VERIFIES(ipcrm_waiters))
{
        const int empty = new_queue(0600), full = new_queue_for(16, 0600);
        struct child receiver, sender;

        MUST(put(full, 1, 16, IPC_NOWAIT));
        CHILD(&receiver) {
                struct message message;

                here(&receiver, 1);
                FAILS_WITH(ipcrm_waiters, EIDRM, msgrcv(empty, &message, sizeof(message.text), 0, 0));
        }
        CHILD(&sender) {
                here(&sender, 1);
                FAILS_WITH(ipcrm_waiters, EIDRM, put(full, 1, 16, 0));
        }
        UNTIL(blocked(&receiver) && blocked(&sender));
        SUCCEEDS(ipcrm_waiters, RUN("ipcrm", "-q", decimal(empty)));
        EVENTUALLY(ipcrm_waiters, returned(&receiver));
        SUCCEEDS(ipcrm_waiters, RUN("ipcrm", "-q", decimal(full)));
        EVENTUALLY(ipcrm_waiters, returned(&sender));
        join(&receiver);
        join(&sender);
}

TEST(waiters_in_a_set_are_told, VERIFIES(ipcrm_waiters))
{
        const int set = new_sems(2, 0600);
        struct child for_increase, for_zero;

        set_val(set, 1, 1);
        CHILD(&for_increase)
                FAILS_WITH(ipcrm_waiters, EIDRM, SEMOP(set, OP(0, -1, 0)));
        CHILD(&for_zero)
                FAILS_WITH(ipcrm_waiters, EIDRM, SEMOP(set, OP(1, 0, 0)));
        UNTIL(NCNT(set, 0) == 1 && ZCNT(set, 1) == 1);
        SUCCEEDS(ipcrm_waiters, RUN("ipcrm", "-s", decimal(set)));
        EVENTUALLY(ipcrm_waiters, returned(&for_increase) && returned(&for_zero));
        join(&for_increase);
        join(&for_zero);
}
