/* SPDX-License-Identifier: MIT
 *
 * msgctl() IPC_SET of msg_qbytes: lowering it, raising it, and who may raise it how far.
 */
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>

#include "ipck_msg.h"

/* IPC_SET of msg_qbytes alone, by the owner, whose mode 0600 it keeps. */
static int set_qbytes(int queue, size_t qbytes)
{
        return queue_set(queue, geteuid(), getegid(), 0600, qbytes);
}

static size_t qbytes_of(int queue)
{
        return stat_of_queue(queue).msg_qbytes;
}

static size_t default_qbytes(void)
{
        const struct msginfo limits = msg_limits();

        /* The rows below lie that far under it, and messages are that large. */
        if (limits.msgmnb < 1000 || limits.msgmax < 100)
                UNSUPPORTED("kernel.msgmnb of 1000 and kernel.msgmax of 100 or more (they are %d and %d)",
                            limits.msgmnb, limits.msgmax);
        return (size_t)limits.msgmnb;
}

/* ---- down, which any owner may ---- */

TEST(bytes_become_what_is_given, VERIFIES(msgctl_set_qbytes))
{
        const size_t most = default_qbytes();
        const struct {
                const char *name;
                size_t qbytes;
        } rows[] = {{"the same", most}, {"one less", most - 1}, {"half", most / 2}, {"255", 255}, {"1", 1}, {"0", 0}};
        const int queue = new_queue(0600);

        drop_all_capabilities();
        EACH_ROW(row, rows) {
                EQ(msgctl_set_qbytes, set_qbytes(queue, row->qbytes), 0);
                EQ(msgctl_set_qbytes, qbytes_of(queue), row->qbytes);
        }
}

TEST(bytes_of_which_success_was_reported_are_in_force, VERIFIES(msgctl_set_qbytes))
{
        /* Whether these are refused is a matter of privilege and of limits, see below. */
        const struct {
                const char *name;
                uint64_t qbytes;
        } rows[] = {
                {"INT_MAX", INT_MAX}, {"INT_MAX + 1", INT_MAX + UINT64_C(1)}, {"UINT_MAX", UINT_MAX},
                {"2^32", UINT64_C(1) << 32}, {"2^32 + 5", (UINT64_C(1) << 32) + 5}, {"ULONG_MAX", ULONG_MAX},
        };
        const int queue = new_queue(0600);

        EACH_ROW(row, rows) {
                if (row->qbytes > (msglen_t)-1)
                        continue;
                HOLDS(msgctl_set_qbytes, set_qbytes(queue, (size_t)row->qbytes) == -1 ||
                                         qbytes_of(queue) == row->qbytes);
        }
}

TEST(messages_stay_when_bytes_become_fewer, VERIFIES(msgctl_set_qbytes_below_current))
{
        const int queue = new_queue(0600);

        for (int i = 1; i <= 3; i++)
                MUST(put(queue, i, 10, IPC_NOWAIT));
        EQ(msgctl_set_qbytes_below_current, set_qbytes(queue, 20), 0);
        EQ(msgctl_set_qbytes_below_current, qbytes_of(queue), 20);
        EQ(msgctl_set_qbytes_below_current, QNUM(queue), 3);
        FAILS_WITH(msgctl_set_qbytes_below_current, EAGAIN, put(queue, 4, 1, IPC_NOWAIT));
        for (int i = 1; i <= 3; i++) {
                struct message message;

                EQ(msgctl_set_qbytes_below_current, take_message(queue, &message, 0), 10);
                EQ(msgctl_set_qbytes_below_current, message.type, i);
                HOLDS(msgctl_set_qbytes_below_current, has_pattern(message.text, 10, (uint32_t)i));
        }
        /* The new limit is the one that holds from here on. */
        EQ(msgctl_set_qbytes_below_current, put(queue, 5, 10, IPC_NOWAIT), 0);
        FAILS_WITH(msgctl_set_qbytes_below_current, EAGAIN, put(queue, 5, 11, IPC_NOWAIT));
        EQ(msgctl_set_qbytes_below_current, put(queue, 5, 10, IPC_NOWAIT), 0);
}

TEST(sender_waits_when_bytes_have_become_fewer, VERIFIES(msgctl_set_qbytes_below_current))
{
        const int queue = new_queue(0600);
        struct child sender;

        for (int i = 1; i <= 3; i++)
                MUST(put(queue, i, 10, IPC_NOWAIT));
        EQ(msgctl_set_qbytes_below_current, set_qbytes(queue, 15), 0);
        CHILD(&sender) {
                here(&sender, 1);
                EQ(msgctl_set_qbytes_below_current, put(queue, 4, 5, 0), 0);
        }
        UNTIL(blocked(&sender));
        EQ(msgctl_set_qbytes_below_current, take(queue, 0), 1);
        HOLDS(msgctl_set_qbytes_below_current, !returned(&sender));
        EQ(msgctl_set_qbytes_below_current, QNUM(queue), 2);
        EQ(msgctl_set_qbytes_below_current, take(queue, 0), 2);
        EVENTUALLY(msgctl_set_qbytes_below_current, returned(&sender));
        join(&sender);
        EQ(msgctl_set_qbytes_below_current, take(queue, 0), 3);
        EQ(msgctl_set_qbytes_below_current, take(queue, 0), 4);
}

/* ---- up, without privilege ---- */

TEST(owner_cannot_raise_the_bytes, VERIFIES(msgctl_set_eperm_raise_qbytes))
{
        const int queue = new_queue_for(100, 0600);

        drop_all_capabilities();
        EQ(msgctl_set_eperm_raise_qbytes, set_qbytes(queue, 100), 0);
        FAILS_WITH(msgctl_set_eperm_raise_qbytes, EPERM, set_qbytes(queue, 101));
        FAILS_WITH(msgctl_set_eperm_raise_qbytes, EPERM, set_qbytes(queue, default_qbytes()));
        EQ(msgctl_set_eperm_raise_qbytes, qbytes_of(queue), 100);
        EQ(msgctl_set_eperm_raise_qbytes, set_qbytes(queue, 99), 0);
}

TEST(owner_raises_the_bytes_to_the_default, VERIFIES(msgctl_set_raise_below_msgmnb))
{
        const size_t most = default_qbytes();
        const struct {
                const char *name;
                size_t qbytes;
        } rows[] = {{"one more", 101}, {"one less than the default", most - 1}, {"the default", most}};
        const int queue = new_queue(0600);

        drop_all_capabilities();
        EACH_ROW(row, rows) {
                set_queue_bytes(queue, 100);
                EQ(msgctl_set_raise_below_msgmnb, set_qbytes(queue, row->qbytes), 0);
                EQ(msgctl_set_raise_below_msgmnb, qbytes_of(queue), row->qbytes);
        }
        set_queue_bytes(queue, 0);
        FAILS_WITH(msgctl_set_raise_below_msgmnb, EAGAIN, put(queue, 1, 1, IPC_NOWAIT));
        EQ(msgctl_set_raise_below_msgmnb, set_qbytes(queue, 1), 0);
        EQ(msgctl_set_raise_below_msgmnb, put(queue, 1, 1, IPC_NOWAIT), 0);
}

TEST(default_that_was_raised_is_the_one_that_counts, VERIFIES(msgctl_set_raise_below_msgmnb))
{
        const int queue = new_queue(0600);

        set_sysctl("kernel/msgmnb", "100000");
        REQUIRE(qbytes_of(queue) < 100000);
        drop_all_capabilities();
        EQ(msgctl_set_raise_below_msgmnb, set_qbytes(queue, 99999), 0);
        EQ(msgctl_set_raise_below_msgmnb, set_qbytes(queue, 100000), 0);
        EQ(msgctl_set_raise_below_msgmnb, qbytes_of(queue), 100000);
        FAILS_WITH(msgctl_set_raise_below_msgmnb, EPERM, set_qbytes(queue, 100001));
}

static void refuse_more_than(size_t most, int queue)
{
        const struct {
                const char *name;
                size_t qbytes;
        } rows[] = {
                {"one more", most + 1}, {"twice as much", 2 * most}, {"INT_MAX", INT_MAX},
                {"INT_MAX + 1", INT_MAX + (size_t)1}, {"UINT_MAX - 1", UINT_MAX - (size_t)1}, {"ULONG_MAX", ULONG_MAX},
        };

        EACH_ROW(row, rows) {
                EQ(msgctl_set_eperm_above_msgmnb, set_qbytes(queue, most), 0);
                FAILS_WITH(msgctl_set_eperm_above_msgmnb, EPERM, set_qbytes(queue, row->qbytes));
                EQ(msgctl_set_eperm_above_msgmnb, qbytes_of(queue), most);
        }
}

TEST(owner_cannot_raise_the_bytes_above_the_default, VERIFIES(msgctl_set_eperm_above_msgmnb))
{
        const int queue = new_queue(0600);

        drop_all_capabilities();
        refuse_more_than(default_qbytes(), queue);
}

TEST(no_other_capability_raises_the_bytes_above_the_default, VERIFIES(msgctl_set_eperm_above_msgmnb))
{
        const int queue = new_queue(0600);

        if (!has_capability(CAP_SYS_ADMIN))
                UNSUPPORTED("CAP_SYS_ADMIN");
        drop_capability(CAP_SYS_RESOURCE);
        refuse_more_than(default_qbytes(), queue);
}

TEST(capability_of_an_inner_user_namespace_does_not_count, VERIFIES(msgctl_set_eperm_above_msgmnb))
{
        enter_user_namespace(0, 0);
        enter_new_ipc_namespace();
        REQUIRE(has_capability(CAP_SYS_RESOURCE));
        refuse_more_than(default_qbytes(), new_queue(0600));
}

TEST(more_than_32_bits_are_above_the_default, VERIFIES(msgctl_set_eperm_above_msgmnb))
{
        static const struct {
                const char *name;
                uint64_t qbytes;
        } rows[] = {{"2^32", UINT64_C(1) << 32}, {"2^32 + 5", (UINT64_C(1) << 32) + 5},
                    {"2^64 - 2^32 + 16", -(UINT64_C(1) << 32) + 16}};
        const int queue = new_queue(0600);

        if (sizeof(msglen_t) < sizeof(uint64_t))
                UNSUPPORTED("a msglen_t of more than 32 bits");
        drop_all_capabilities();
        EACH_ROW(row, rows) {
                EQ(msgctl_set_eperm_above_msgmnb, set_qbytes(queue, default_qbytes()), 0);
                FAILS_WITH(msgctl_set_eperm_above_msgmnb, EPERM, set_qbytes(queue, (size_t)row->qbytes));
                EQ(msgctl_set_eperm_above_msgmnb, qbytes_of(queue), default_qbytes());
        }
}

TEST(lowered_default_holds_for_existing_queues, VERIFIES(msgctl_set_eperm_above_msgmnb))
{
        set_sysctl("kernel/msgmnb", "20000");
        const int queue = new_queue(0600);

        drop_capability(CAP_SYS_RESOURCE);
        EQ(msgctl_set_eperm_above_msgmnb, set_qbytes(queue, 20000), 0);
        set_sysctl("kernel/msgmnb", "10000");
        /* The value that it has. */
        FAILS_WITH(msgctl_set_eperm_above_msgmnb, EPERM, set_qbytes(queue, 20000));
        FAILS_WITH(msgctl_set_eperm_above_msgmnb, EPERM, set_qbytes(queue, 10001));
        EQ(msgctl_set_eperm_above_msgmnb, qbytes_of(queue), 20000);
        EQ(msgctl_set_eperm_above_msgmnb, set_qbytes(queue, 10000), 0);
        EQ(msgctl_set_eperm_above_msgmnb, qbytes_of(queue), 10000);
}

TEST(refused_set_has_no_effect, VERIFIES(msgctl_set_eperm_no_effect), MOSTLY_WAITS)
{
        const size_t most = default_qbytes();
        const int queue = new_queue_for(100, 0600);

        post(queue, 7, "kept");
        drop_all_capabilities();
        const struct queue_view before = view_of_queue(queue);
        next_second(before.ctime);
        FAILS_WITH(msgctl_set_eperm_no_effect, EPERM, queue_set(queue, geteuid(), getegid(), 0640, most + 1));
        const struct queue_view after = view_of_queue(queue);
        HOLDS(msgctl_set_eperm_no_effect, same_queue_view(&before, &after));
        EQ(msgctl_set_eperm_no_effect, queue_set(queue, geteuid(), getegid(), 0640, 99), 0);
}

TEST(refused_set_gives_no_queue_away, VERIFIES(msgctl_set_eperm_no_effect), MOSTLY_WAITS)
{
        const size_t most = default_qbytes();
        struct child owner;

        CHILD(&owner) {
                become(USER_A, GROUP_A, NULL, 0);
                const int queue = new_queue(0644);
                const struct queue_view before = view_of_queue(queue);
                next_second(before.ctime);
                FAILS_WITH(msgctl_set_eperm_no_effect, EPERM, queue_set(queue, USER_B, GROUP_B, 0666, most + 1));
                const struct queue_view after = view_of_queue(queue);
                HOLDS(msgctl_set_eperm_no_effect, same_queue_view(&before, &after));
                EQ(msgctl_set_eperm_no_effect, queue_set(queue, USER_B, GROUP_B, 0666, most), 0);
        }
        join(&owner);
}

/* ---- up, with privilege ---- */

/* Whether so many bytes of text go into the queue. */
static bool takes_bytes(int queue, size_t bytes)
{
        enum { MOST = 100 };

        for (; bytes > MOST; bytes -= MOST)
                if (put(queue, 1, MOST, IPC_NOWAIT) == -1)
                        return false;
        return put(queue, 1, bytes, IPC_NOWAIT) == 0;
}

TEST(privileged_owner_raises_the_bytes, VERIFIES(msgctl_set_raise_privileged))
{
        const size_t most = default_qbytes();
        const int queue = new_queue_for(100, 0600);

        if (geteuid() != 0 || !has_capability(CAP_SYS_ADMIN))
                UNSUPPORTED("user 0 with CAP_SYS_ADMIN");
        EQ(msgctl_set_raise_privileged, set_qbytes(queue, 101), 0);
        EQ(msgctl_set_raise_privileged, qbytes_of(queue), 101);
        HOLDS(msgctl_set_raise_privileged, takes_bytes(queue, 101));
        EQ(msgctl_set_raise_privileged, set_qbytes(queue, most), 0);
        EQ(msgctl_set_raise_privileged, qbytes_of(queue), most);
        HOLDS(msgctl_set_raise_privileged, takes_bytes(queue, most - 101));
}

/* Linux asks for the capability in the initial user namespace, which alone has all the users. */
static void need_sys_resource(void)
{
        if (!has_initial_capability(CAP_SYS_RESOURCE))
                UNSUPPORTED("CAP_SYS_RESOURCE in the initial user namespace");
}

TEST(capability_raises_the_bytes_above_the_default, VERIFIES(msgctl_set_raise_privileged))
{
        const size_t most = default_qbytes();
        const struct {
                const char *name;
                size_t qbytes;
        } rows[] = {{"one more", most + 1}, {"twice as much", 2 * most}, {"INT_MAX", INT_MAX}};

        need_sys_resource();
        drop_other_capabilities(CAP_SYS_RESOURCE);
        EACH_ROW(row, rows) {
                const int queue = new_queue(0600);

                EQ(msgctl_set_raise_privileged, set_qbytes(queue, row->qbytes), 0);
                EQ(msgctl_set_raise_privileged, qbytes_of(queue), row->qbytes);
                HOLDS(msgctl_set_raise_privileged, takes_bytes(queue, most + 1));
        }
}
