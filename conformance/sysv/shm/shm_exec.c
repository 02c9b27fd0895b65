/* SPDX-License-Identifier: MIT
 *
 * exec and attachments: a new program has none, and one that could not be started has cost none.
 */
#include <stdio.h>

#include "ipck_program.h"
#include "ipck_shm.h"

/* ---- the new program ---- */

/* Attaches the segment, finds the pattern 1 there and stores the pattern 2. */
ROLE(attach_again)
{
        const int segment = atoi(arg);
        char *const place = shmat(segment, NULL, 0);

        if (place == SHM_FAILED || !has_pattern(place, page_size(), 1))
                return 1;
        fill_pattern(place, page_size(), 2);
        return 0;
}

/* ---- tests ---- */

TEST(each_attachment_is_detached, VERIFIES(exec_shm_detached))
{
        const int twice = new_segment(page_size(), 0600), once = new_segment(3 * page_size(), 0600);
        struct program p = new_program();
        struct child child;

        attach(once, SHM_RDONLY);
        CHILD(&child) {
                attach(twice, 0);
                attach(twice, SHM_RDONLY);
                stay(&child);
                run_until_told(&p);
        }
        UNTIL(stays(&child));
        REQUIRE(nattch(twice) == 2 && nattch(once) == 2);
        tell(&child, 1);
        wait_for_program(&p);
        EQ(exec_shm_detached, nattch(twice), 0);
        EQ(exec_shm_detached, nattch(once), 1);
        tell_program(&p);
        join(&child);
        EQ(exec_shm_detached, nattch(twice), 0);
        EQ(exec_shm_detached, nattch(once), 1);
}

static void *exec_in_thread(void *program)
{
        run_until_told(program);
        return NULL;
}

TEST(exec_by_another_thread_detaches_too, VERIFIES(exec_shm_detached))
{
        const int segment = new_segment(page_size(), 0600);
        struct program p = new_program();
        struct child child;

        CHILD(&child) {
                pthread_t thread;

                attach(segment, 0);
                start_thread(&thread, exec_in_thread, &p);
                for (;;)
                        pause();
        }
        wait_for_program(&p);
        EQ(exec_shm_detached, nattch(segment), 0);
        tell_program(&p);
        join(&child);
}

TEST(contents_stay_for_the_new_program, VERIFIES(exec_shm_detached))
{
        const int segment = new_segment(page_size(), 0600);
        struct child child;
        char arg[16];

        snprintf(arg, sizeof(arg), "%d", segment);
        CHILD(&child) {
                fill_pattern(attach(segment, 0), page_size(), 1);
                MUST(exec_role("attach_again", arg));
        }
        EQ(exec_shm_detached, reap(&child), 0);
        HOLDS(exec_shm_detached, has_pattern(attach(segment, 0), page_size(), 2));
}

TEST(removed_segment_goes_with_the_old_program, VERIFIES(exec_rmid_shm_destroyed))
{
        const int segment = new_segment(page_size(), 0600), kept = new_segment(page_size(), 0600);
        struct program p = new_program();
        struct child child;

        CHILD(&child) {
                attach(segment, 0);
                attach(segment, SHM_RDONLY);
                attach(kept, 0);
                stay(&child);
                run_until_told(&p);
        }
        UNTIL(stays(&child));
        MUST(shmctl(segment, IPC_RMID, NULL));
        REQUIRE(nattch(segment) == 2);
        tell(&child, 1);
        wait_for_program(&p);
        EQ(exec_rmid_shm_destroyed, nattch(segment), -1);
        EQ(exec_rmid_shm_destroyed, nattch(kept), 0);
        tell_program(&p);
        join(&child);
}

TEST(removed_segment_that_another_process_has_stays, VERIFIES(exec_rmid_shm_destroyed))
{
        const int segment = new_segment(page_size(), 0600);
        struct program p = new_program();
        char *const place = attach(segment, 0);
        struct child child;

        fill_pattern(place, page_size(), 1);
        MUST(shmctl(segment, IPC_RMID, NULL));
        CHILD(&child)
                run_until_told(&p);
        wait_for_program(&p);
        EQ(exec_rmid_shm_destroyed, nattch(segment), 1);
        HOLDS(exec_rmid_shm_destroyed, has_pattern(place, page_size(), 1));
        tell_program(&p);
        join(&child);
        detach(place);
        EQ(exec_rmid_shm_destroyed, nattch(segment), -1);
}

TEST(failed_exec_keeps_attachments, VERIFIES(exec_failed_exec))
{
        enum { HUGE = 1 << 20 };
        char *const huge = malloc(HUGE);
        const int not_a_program = (int)MUST(memfd_create("ipck", 0));
        const struct {
                const char *name, *path;
                char *argument;
        } rows[] = {
                {"argument too long", "/proc/self/exe", huge},
                {"no such file", "/nonexistent/program", NULL},
                {"a directory", "/", NULL},
                {"not a program", NULL, NULL},
        };

        REQUIRE(huge);
        memset(huge, 'x', HUGE - 1);
        huge[HUGE - 1] = '\0';
        MUST(write(not_a_program, "\001\002\003\004", 4));
        EACH_ROW(row, rows) {
                char name[] = "ipck-tests", *const argv[] = {name, row->argument, NULL}, *const envp[] = {NULL};
                const int segment = new_segment(page_size(), 0600);
                char *const writable = attach(segment, 0), *const read_only = attach(segment, SHM_RDONLY);

                fill_pattern(writable, page_size(), 1);
                const struct segment_view before = view_of_segment(segment);
                REQUIRE((row->path ? execve(row->path, argv, envp) : fexecve(not_a_program, argv, envp)) == -1);
                const struct segment_view after = view_of_segment(segment);
                HOLDS(exec_failed_exec, same_segment_view(&before, &after));
                EQ(exec_failed_exec, after.nattch, 2);
                HOLDS(exec_failed_exec, has_pattern(writable, page_size(), 1));
                EQ(exec_failed_exec, store_signal(writable), 0);
                EQ(exec_failed_exec, store_signal(read_only), SIGSEGV);
                EQ(exec_failed_exec, shmdt(writable), 0);
                EQ(exec_failed_exec, shmdt(read_only), 0);
                EQ(exec_failed_exec, nattch(segment), 0);
        }
}
