/* SPDX-License-Identifier: MIT
 *
 * POSIX message queues: a message is there whole or not at all; descriptors and registrations end with the process.
 */
#include "crash.h"
#include "ipck_mq.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0

static mqd_t victims_queue(void)
{
        return new_mq(VICTIMS_QUEUE, O_RDWR | O_NONBLOCK, 2, VICTIMS_TEXT);
}

/* Whether the next message is the victims', whole and with its priority. */
static bool takes_victims(mqd_t queue)
{
        char text[VICTIMS_TEXT];
        unsigned priority;

        return mq_receive(queue, text, sizeof(text), &priority) == VICTIMS_TEXT && priority == VICTIMS_PRIORITY &&
               memcmp(text, victims_text, VICTIMS_TEXT) == 0;
}

TEST(mq_open, VERIFIES(mq_open_persist))
{
        crash("mq_open", 0, "posix/mq/mq_open", "entry", 1);
        HOLDS(mq_open_persist, !mq_exists(VICTIMS_QUEUE));
        crash("mq_open", 0, "posix/mq/mq_open", "after", 1);
        const mqd_t queue = OPENS(mq_open_persist, mq_open(VICTIMS_QUEUE, O_RDWR | O_NONBLOCK));
        EQ(mq_open_persist, attr_of(queue).mq_maxmsg, 2);
        EQ(mq_open_persist, mq_count(queue), 0);
        mq_post(queue, VICTIMS_PRIORITY, victims_text);
        HOLDS(mq_open_persist, takes_victims(queue));
}

TEST(mq_unlink, VERIFIES(mq_open_persist, mq_unlink_name_gone, mq_unlink_postponed))
{
        const mqd_t queue = victims_queue();

        crash("mq_unlink", 0, "posix/mq/mq_unlink", "entry", 1);
        HOLDS(mq_open_persist, mq_exists(VICTIMS_QUEUE));
        crash("mq_unlink", 0, "posix/mq/mq_unlink", "after", 1);
        HOLDS(mq_unlink_name_gone, !mq_exists(VICTIMS_QUEUE));
        mq_post(queue, VICTIMS_PRIORITY, victims_text);
        HOLDS(mq_unlink_postponed, takes_victims(queue));
}

static const struct {
        const char *name, *point;
} senders[] = {{"mq_send", "posix/mq/mq_send"}, {"mq_timedsend", "posix/mq/mq_timedsend"}};

TEST(mq_send_at_entry_and_after, VERIFIES(mq_open_persist, mq_send_content))
{
        const mqd_t queue = victims_queue();

        EACH_ROW(row, senders) {
                crash(row->name, 0, row->point, "entry", 1);
                EQ(mq_open_persist, mq_count(queue), 0);
                crash(row->name, 0, row->point, "after", 1);
                EQ(mq_open_persist, mq_count(queue), 1);
                HOLDS(mq_send_content, takes_victims(queue));
        }
}

TEST(mq_send_blocked, VERIFIES(mq_send_conserved))
{
        const mqd_t queue = victims_queue();

        EACH_ROW(row, senders) {
                mq_post(queue, 0, "one");
                mq_post(queue, 0, "two");
                crash(row->name, 0, row->point, "blocked", 1);
                EQ(mq_send_conserved, mq_count(queue), 2);
                for (int i = 0; i < 2; i++) {
                        char text[VICTIMS_TEXT];
                        unsigned priority;
                        EQ(mq_send_conserved, mq_receive(queue, text, sizeof(text), &priority), 3);
                        EQ(mq_send_conserved, priority, 0);
                }
                EQ(mq_send_conserved, mq_count(queue), 0);
        }
}

static const struct {
        const char *name, *point;
} receivers[] = {{"mq_receive", "posix/mq/mq_receive"}, {"mq_timedreceive", "posix/mq/mq_timedreceive"}};

TEST(mq_receive_at_entry_and_after, VERIFIES(mq_open_persist))
{
        const mqd_t queue = victims_queue();

        EACH_ROW(row, receivers) {
                mq_post(queue, 9, "first");
                mq_post(queue, VICTIMS_PRIORITY, victims_text);
                crash(row->name, 0, row->point, "entry", 1);
                EQ(mq_open_persist, mq_count(queue), 2);
                crash(row->name, 0, row->point, "after", 1);
                EQ(mq_open_persist, mq_count(queue), 1);
                HOLDS(mq_open_persist, takes_victims(queue));
        }
}

/* A message that comes after the death is for the next, whom it wakes. */
TEST(mq_receive_blocked, VERIFIES(mq_send_conserved, mq_receive_wakes_one))
{
        const mqd_t queue = victims_queue();

        EACH_ROW(row, receivers) {
                struct child receiver;
                crash(row->name, 0, row->point, "blocked", 1);
                mq_post(queue, VICTIMS_PRIORITY, victims_text);
                EQ(mq_send_conserved, mq_count(queue), 1);
                HOLDS(mq_send_conserved, takes_victims(queue));
                CHILD(&receiver) {
                        const mqd_t own = (mqd_t)MUST(mq_open(VICTIMS_QUEUE, O_RDONLY));
                        here(&receiver, 1);
                        HOLDS(mq_receive_wakes_one, takes_victims(own));
                }
                UNTIL(blocked(&receiver));
                mq_post(queue, VICTIMS_PRIORITY, victims_text);
                EVENTUALLY(mq_receive_wakes_one, returned(&receiver));
                join(&receiver);
        }
}

static int register_ourselves(mqd_t queue)
{
        return mq_notify(queue, &(struct sigevent){.sigev_notify = SIGEV_NONE});
}

TEST(mq_notify_and_mq_close, VERIFIES(exit_mq_closed))
{
        const mqd_t queue = victims_queue();
        const struct {
                const char *name, *point, *moment;
        } rows[] = {
                {"mq_notify", "posix/mq/mq_notify", "entry"}, {"mq_notify", "posix/mq/mq_notify", "after"},
                {"mq_close", "posix/mq/mq_close", "entry"},   {"mq_close", "posix/mq/mq_close", "after"},
        };

        EACH_ROW(row, rows) {
                crash(row->name, 0, row->point, row->moment, 1);
                EQ(exit_mq_closed, register_ourselves(queue), 0);
                MUST(mq_notify(queue, NULL));
        }
}

TEST(mq_setattr, VERIFIES(mq_attr_set_own_description))
{
        const mqd_t queue = new_mq(VICTIMS_QUEUE, O_RDWR, 2, VICTIMS_TEXT);

        crash("mq_setattr", 0, "posix/mq/mq_setattr", "entry", 1);
        EQ(mq_attr_set_own_description, attr_of(queue).mq_flags, 0);
        crash("mq_setattr", 0, "posix/mq/mq_setattr", "after", 1);
        EQ(mq_attr_set_own_description, attr_of(queue).mq_flags, 0);
}
