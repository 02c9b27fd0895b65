/* SPDX-License-Identifier: MIT
 *
 * msgget(): finding a queue that exists, and leaving it as it is.
 */
#include "ipck_msg.h"

TEST(key_leads_to_its_queue,
     VERIFIES(msgget_lookup_existing, msgget_lookup_creat_existing, msgget_flag_excl_alone))
{
        static const struct {
                const char *name;
                int flags;
                enum ipck_requirement req;
        } rows[] = {
                {"no flag", 0, msgget_lookup_existing},
                {"permissions", 0600, msgget_lookup_existing},
                {"IPC_CREAT", IPC_CREAT | 0600, msgget_lookup_creat_existing},
                {"IPC_CREAT, no permissions", IPC_CREAT, msgget_lookup_creat_existing},
                {"IPC_EXCL", IPC_EXCL | 0600, msgget_flag_excl_alone},
                {"IPC_EXCL, no permissions", IPC_EXCL, msgget_flag_excl_alone},
        };
        key_t key[3];
        int queue[3];

        burn_queue_ids(70);
        for (int i = 0; i < 3; i++) {
                key[i] = fresh_key();
                queue[i] = queue_must_fit(msgget(key[i], IPC_CREAT | IPC_EXCL | 0600));
        }
        EACH_ROW(row, rows)
                for (int i = 0; i < 3; i++)
                        EQ(row->req, msgget(key[i], row->flags), queue[i]);
}

TEST(other_processes_find_the_queue, VERIFIES(msgget_lookup_existing, msgget_lookup_creat_existing))
{
        const key_t key = fresh_key();
        int *const queue = shared(sizeof(*queue));
        struct child creator, other;

        /* It is there although its creator is gone. */
        CHILD(&creator)
                *queue = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
        join(&creator);
        EQ(msgget_lookup_existing, msgget(key, 0600), *queue);
        CHILD(&other) {
                EQ(msgget_lookup_existing, msgget(key, 0600), *queue);
                EQ(msgget_lookup_creat_existing, msgget(key, IPC_CREAT | 0600), *queue);
        }
        join(&other);
}

/* A queue that has sent, received and still holds messages, with a msg_qbytes of its own. */
static int used_queue(key_t key, int mode)
{
        const int queue = queue_must_fit(msgget(key, IPC_CREAT | IPC_EXCL | mode));

        set_queue_bytes(queue, 100);
        post(queue, 3, "taken");
        post(queue, 5, "first");
        post(queue, 4, "second");
        MUST(take(queue, 3));
        return queue;
}

static void expect_messages(int queue, enum ipck_requirement req)
{
        struct message message;
        ssize_t length;

        length = take_message(queue, &message, 0);
        HOLDS(req, message.type == 5 && text_is(&message, length, "first"));
        length = take_message(queue, &message, 0);
        HOLDS(req, message.type == 4 && text_is(&message, length, "second"));
        FAILS_WITH(req, ENOMSG, take_message(queue, &message, 0));
}

TEST(finding_a_queue_with_creat_changes_nothing, VERIFIES(msgget_lookup_creat_existing), MOSTLY_WAITS)
{
        const key_t key = fresh_key();
        const int queue = used_queue(key, 0640);
        const struct queue_view before = view_of_queue(queue);

        /* Otherwise a new time stamp could not be told from the old one. */
        next_second(before.rtime);
        EQ(msgget_lookup_creat_existing, msgget(key, IPC_CREAT | 0640), queue);
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgget_lookup_creat_existing, same_queue_view(&before, &after));
        expect_messages(queue, msgget_lookup_creat_existing);
}

TEST(finding_a_queue_does_not_start_it_again, VERIFIES(msgget_lookup_no_reinit), MOSTLY_WAITS)
{
        static const struct {
                const char *name;
                int flags;
        } rows[] = {
                {"none", 0}, {"fewer", 0400}, {"others of the owner", 0200}, {"with IPC_CREAT", IPC_CREAT | 0440},
                {"none with IPC_CREAT", IPC_CREAT}, {"with IPC_EXCL", IPC_EXCL | 0240},
        };
        const key_t key = fresh_key();
        const int queue = used_queue(key, 0640);
        const struct queue_view before = view_of_queue(queue);

        next_second(before.rtime);
        EACH_ROW(row, rows) {
                REQUIRE(msgget(key, row->flags) == queue);
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgget_lookup_no_reinit, same_queue_view(&before, &after));
        }
        expect_messages(queue, msgget_lookup_no_reinit);
}

TEST(finding_a_queue_does_not_make_it_ours, VERIFIES(msgget_lookup_no_reinit))
{
        const key_t key = fresh_key();
        const int queue = used_queue(key, 0666);
        const struct queue_view before = view_of_queue(queue);
        struct child other;

        CHILD(&other) {
                as_user(USER_A);
                REQUIRE(msgget(key, IPC_CREAT | 0600) == queue);
        }
        join(&other);
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgget_lookup_no_reinit, same_queue_view(&before, &after));
        expect_messages(queue, msgget_lookup_no_reinit);
}
