/* SPDX-License-Identifier: MIT
 *
 * ipcmk: the objects that it creates, and what it says of them.
 */
#include "ipck_ipcrm.h"

/* What asks ipcmk for one object of the kind: a segment of a page, a queue, a set of two. */
static struct ran make_one(const struct mechanism *m)
{
        switch (m - mechanisms) {
        case QUEUE: return RUN("ipcmk", "-Q");
        case SET: return RUN("ipcmk", "-S", "2");
        default: return RUN("ipcmk", "-M", formatted("%zu", page_size()));
        }
}

/* The object that ipcmk said it made; for set-up. */
static int id_made(const struct mechanism *m, const struct ran ran)
{
        const int id = id_printed(m, ran.out);

        REQUIRE(ran.status == 0);
        REQUIRE(id != -1);
        return id;
}

TEST(segment_has_the_size_asked_for, VERIFIES(ipcmk_shm))
{
        const size_t sizes[] = {1, page_size() - 1, page_size(), page_size() + 1, 12345, 300000};

        MUST(shmctl(new_segment(300000, 0600), IPC_RMID, NULL));
        need_room_for_ipcmk();
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                const struct ran ran = RUN("ipcmk", "-M", formatted("%zu", sizes[i]));
                const int segment = id_printed(&mechanisms[SEGMENT], ran.out);

                EQ(ipcmk_shm, ran.status, 0);
                if (HOLDS(ipcmk_shm, exists(&mechanisms[SEGMENT], segment)))
                        EQ(ipcmk_shm, stat_of_segment(segment).shm_segsz, sizes[i]);
                EQ(ipcmk_shm, objects_of(&mechanisms[SEGMENT]), i + 1);
        }
        EQ(ipcmk_shm, objects_of(&mechanisms[QUEUE]) + objects_of(&mechanisms[SET]), 0);
}

TEST(queue_is_created, VERIFIES(ipcmk_queue))
{
        need_room_for_ipcmk();
        const struct ran ran = RUN("ipcmk", "-Q");
        const int queue = id_printed(&mechanisms[QUEUE], ran.out);

        EQ(ipcmk_queue, ran.status, 0);
        HOLDS(ipcmk_queue, exists(&mechanisms[QUEUE], queue));
        EQ(ipcmk_queue, objects_of(&mechanisms[QUEUE]), 1);
        EQ(ipcmk_queue, objects_of(&mechanisms[SET]) + objects_of(&mechanisms[SEGMENT]), 0);
}

TEST(set_has_as_many_semaphores, VERIFIES(ipcmk_sem))
{
        static const int counts[] = {1, 2, 10, 100};
        const int most = sem_limits().semmsl;

        need_room_for_ipcmk();
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts) && counts[i] <= most; i++) {
                const struct ran ran = RUN("ipcmk", "-S", decimal(counts[i]));
                const int set = id_printed(&mechanisms[SET], ran.out);

                EQ(ipcmk_sem, ran.status, 0);
                if (HOLDS(ipcmk_sem, exists(&mechanisms[SET], set)))
                        EQ(ipcmk_sem, stat_of(set).sem_nsems, counts[i]);
                EQ(ipcmk_sem, objects_of(&mechanisms[SET]), i + 1);
        }
        EQ(ipcmk_sem, objects_of(&mechanisms[QUEUE]) + objects_of(&mechanisms[SEGMENT]), 0);
}

/* The identifier of the only object that there is; -1 where there is none, or more. */
static int only_id(const struct mechanism *m)
{
        int count = 0, only = -1;

        for (int i = 0; i <= m->highest_index(); i++) {
                const int id = id_at(m, i);

                if (id != -1) {
                        only = id;
                        count++;
                }
        }
        return count == 1 ? only : -1;
}

TEST(identifier_written_is_that_of_the_object, VERIFIES(ipcmk_output))
{
        need_room_for_ipcmk();
        EACH_ROW(m, mechanisms) {
                burn_ids(m, 150);
                const struct ran ran = make_one(m);
                const int id = only_id(m);

                EQ(ipcmk_output, ran.status, 0);
                HOLDS(ipcmk_output, !*ran.err);
                HOLDS(ipcmk_output, !strcmp(ran.out, formatted("%s%d\n", words_of(m)->made, id)));
        }
}

/* A queue, a set of three and a segment of 5000 bytes; false where one of them is missing. */
static bool expect_one_of_each(enum ipck_requirement req, const char *output)
{
        bool all = true;

        EACH_ROW(m, mechanisms) {
                EQ(req, objects_of(m), 1);
                EQ(req, id_printed(m, output), only_id(m));
                all &= only_id(m) != -1;
        }
        if (all) {
                EQ(req, stat_of(only_id(&mechanisms[SET])).sem_nsems, 3);
                EQ(req, stat_of_segment(only_id(&mechanisms[SEGMENT])).shm_segsz, 5000);
        }
        return all;
}

TEST(one_of_each_kind_in_one_command_line, VERIFIES(ipcmk_combined, ipcmk_output))
{
        need_room_for_ipcmk();
        EACH_ROW(m, mechanisms)
                burn_ids(m, 10 * (int)(m - mechanisms));
        /* Whatever the order of the options. */
        const struct ran ran = RUN("ipcmk", "-S", "3", "-Q", "-M", "5000");

        EQ(ipcmk_combined, ran.status, 0);
        expect_one_of_each(ipcmk_combined, ran.out);
        HOLDS(ipcmk_output,
              !strcmp(ran.out, formatted("Shared memory id: %d\nMessage queue id: %d\nSemaphore id: %d\n",
                                    only_id(&mechanisms[SEGMENT]), only_id(&mechanisms[QUEUE]),
                                    only_id(&mechanisms[SET]))));
        HOLDS(ipcmk_output, !*ran.err);
}

TEST(two_kinds_in_one_command_line, VERIFIES(ipcmk_combined))
{
        need_room_for_ipcmk();
        EACH_ROW(left_out, mechanisms) {
                const char *arguments[6] = {"ipcmk"};
                size_t count = 1;
                int before[3] = {0};

                if (left_out != &mechanisms[QUEUE])
                        arguments[count++] = "-Q";
                if (left_out != &mechanisms[SET])
                        arguments[count++] = "-S2";
                if (left_out != &mechanisms[SEGMENT])
                        arguments[count++] = "-M1";
                EACH_ROW(m, mechanisms)
                        before[m - mechanisms] = objects_of(m);
                EQ(ipcmk_combined, run_tool(arguments).status, 0);
                EACH_ROW(m, mechanisms)
                        EQ(ipcmk_combined, objects_of(m), before[m - mechanisms] + (m != left_out));
        }
}

TEST(every_object_has_a_key_of_its_own, VERIFIES(ipcmk_random_key))
{
        enum { RUNS = 6 };

        need_room_for_ipcmk();
        EACH_ROW(m, mechanisms) {
                int id[RUNS];
                key_t key[RUNS];

                for (int i = 0; i < RUNS; i++) {
                        id[i] = id_made(m, make_one(m));
                        key[i] = perm_of(m, id[i]).__key;
                        HOLDS(ipcmk_random_key, key[i] != IPC_PRIVATE);
                        EQ(ipcmk_random_key, m->get(key[i], 0), id[i]);
                        for (int j = 0; j < i; j++)
                                HOLDS(ipcmk_random_key, id[i] != id[j] && key[i] != key[j]);
                }
        }
}

TEST(new_objects_hold_nothing, VERIFIES(ipcmk_fresh))
{
        need_room_for_ipcmk();
        const int segment = id_made(&mechanisms[SEGMENT], RUN("ipcmk", "-M", "10000"));
        HOLDS(ipcmk_fresh, all_bytes(attach(segment, SHM_RDONLY), 10000, 0));
        EQ(ipcmk_fresh, QNUM(id_made(&mechanisms[QUEUE], RUN("ipcmk", "-Q"))), 0);
        const int set = id_made(&mechanisms[SET], RUN("ipcmk", "-S", "3"));
        for (int i = 0; i < 3; i++)
                EQ(ipcmk_fresh, VAL(set, i), 0);
}

static void expect_ids(const struct mechanism *m, const struct ran ran, uid_t uid, gid_t gid)
{
        const int id = id_printed(m, ran.out);

        EQ(ipcmk_owner, ran.status, 0);
        if (HOLDS(ipcmk_owner, exists(m, id))) {
                const struct ipc_perm perm = perm_of(m, id);

                EQ(ipcmk_owner, perm.uid, uid);
                EQ(ipcmk_owner, perm.cuid, uid);
                EQ(ipcmk_owner, perm.gid, gid);
                EQ(ipcmk_owner, perm.cgid, gid);
        }
}

TEST(caller_owns_the_objects, VERIFIES(ipcmk_owner))
{
        need_room_for_ipcmk();
        EACH_ROW(m, mechanisms)
                expect_ids(m, make_one(m), geteuid(), getegid());
}

TEST(any_user_may_create, VERIFIES(ipcmk_owner))
{
        struct child user;

        need_room_for_ipcmk();
        CHILD(&user) {
                become(USER_A, GROUP_B, NULL, 0);
                EACH_ROW(m, mechanisms)
                        expect_ids(m, make_one(m), USER_A, GROUP_B);
        }
        join(&user);
}

TEST(long_options_do_what_short_ones_do, VERIFIES(ipcmk_long_options))
{
        need_room_for_ipcmk();
        const struct ran ran = RUN("ipcmk", "--shmem", "5000", "--queue", "--semaphore=3", "--mode", "0600");

        EQ(ipcmk_long_options, ran.status, 0);
        if (expect_one_of_each(ipcmk_long_options, ran.out))
                EACH_ROW(m, mechanisms)
                        EQ(ipcmk_long_options, perm_of(m, only_id(m)).mode & 0777, 0600);
}
