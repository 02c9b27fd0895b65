/* SPDX-License-Identifier: MIT
 *
 * Attachments of one segment show the same bytes, in one process and in several, and are named in /proc/PID/maps.
 */
#include <limits.h>
#include <stdio.h>

#include "ipck_shm.h"

enum { PAGES = 3 };

TEST(store_is_seen_through_a_second_attachment, VERIFIES(shmat_share_same_proc_twice))
{
        const size_t size = PAGES * page_size();
        const int segment = new_segment(size, 0600);
        char *const one = attach(segment, 0), *const two = attach(segment, 0);

        HOLDS(shmat_share_same_proc_twice, one + size <= two || two + size <= one);
        fill_pattern(one, size, 1);
        HOLDS(shmat_share_same_proc_twice, has_pattern(two, size, 1));
        fill_pattern(two, size, 2);
        HOLDS(shmat_share_same_proc_twice, has_pattern(one, size, 2));
}

TEST(segments_share_nothing, VERIFIES(shmat_share_same_proc_twice))
{
        const size_t size = PAGES * page_size();
        char *const one = attach(new_segment(size, 0600), 0), *const two = attach(new_segment(size, 0600), 0);

        fill_pattern(one, size, 1);
        HOLDS(shmat_share_same_proc_twice, all_bytes(two, size, 0));
        fill_pattern(two, size, 2);
        HOLDS(shmat_share_same_proc_twice, has_pattern(one, size, 1));
}

TEST(store_is_seen_through_a_read_only_attachment, VERIFIES(shmat_share_ro_and_rw))
{
        const struct {
                const char *name;
                int first, second;
        } rows[] = {{"read-only first", SHM_RDONLY, 0}, {"read-only second", 0, SHM_RDONLY}};
        const size_t size = PAGES * page_size();

        EACH_ROW(row, rows) {
                const int segment = new_segment(size, 0600);
                char *const one = shmat(segment, NULL, row->first), *const two = shmat(segment, NULL, row->second);

                HOLDS(shmat_share_ro_and_rw, one != SHM_FAILED && two != SHM_FAILED);
                char *const writable = row->first ? two : one, *const read_only = row->first ? one : two;
                for (uint32_t seed = 1; seed <= 2; seed++) {
                        fill_pattern(writable, size, seed);
                        HOLDS(shmat_share_ro_and_rw, has_pattern(read_only, size, seed));
                }
                EQ(shmat_share_ro_and_rw, store_signal(read_only), SIGSEGV);
                EQ(shmat_share_ro_and_rw, store_signal(writable), 0);
        }
}

TEST(store_is_seen_in_an_unrelated_process, VERIFIES(shmat_share_two_procs))
{
        const size_t size = PAGES * page_size();
        const key_t key = fresh_key();
        struct child writer, reader;

        CHILD(&writer) {
                const int segment = segment_must_fit(shmget(key, size, IPC_CREAT | IPC_EXCL | 0600), size);
                char *const place = attach(segment, 0);

                fill_pattern(place, size, 1);
                here(&writer, 1);
                await(&writer, 1);
                HOLDS(shmat_share_two_procs, has_pattern(place, size, 2));
        }
        UNTIL(at(&writer) == 1);
        CHILD(&reader) {
                char *const place = attach((int)MUST(shmget(key, 0, 0)), 0);

                HOLDS(shmat_share_two_procs, has_pattern(place, size, 1));
                fill_pattern(place, size, 2);
        }
        join(&reader);
        dismiss(&writer);
}

TEST(processes_choose_addresses_of_their_own, VERIFIES(shmat_share_different_addresses))
{
        const size_t size = PAGES * (size_t)SHMLBA;     /* so that another may begin behind it */
        const int segment = new_segment(size, 0600);
        struct child other;

        /* Looked up before the fork, so that it is free in both processes. */
        char *const range = free_range(2 * size);
        CHILD(&other) {
                char *const place = shmat(segment, range + size, 0);

                HOLDS(shmat_share_different_addresses, place == range + size);
                if (place != SHM_FAILED)
                        fill_pattern(place, size, 1);
                stay(&other);
                HOLDS(shmat_share_different_addresses, place != SHM_FAILED && has_pattern(place, size, 2));
        }
        UNTIL(stays(&other));
        char *const place = shmat(segment, range, 0);
        HOLDS(shmat_share_different_addresses, place == range);
        HOLDS(shmat_share_different_addresses, place != SHM_FAILED && has_pattern(place, size, 1));
        if (place != SHM_FAILED)
                fill_pattern(place, size, 2);
        dismiss(&other);
}

/* Nothing but the memory is common to the two. */
TEST(stores_arrive_while_both_run, VERIFIES(shmat_share_two_procs))
{
        enum { ROUNDS = 100 };
        const int segment = new_segment(page_size(), 0600);
        struct child other;

        CHILD(&other) {
                _Atomic int *const turn = (_Atomic int *)(void *)attach(segment, 0);
                for (int i = 0; i < ROUNDS; i++) {
                        EVENTUALLY(shmat_share_two_procs, *turn == 2 * i + 1);
                        *turn = 2 * i + 2;
                }
        }
        _Atomic int *const turn = (_Atomic int *)(void *)attach(segment, 0);
        for (int i = 0; i < ROUNDS; i++) {
                *turn = 2 * i + 1;
                EVENTUALLY(shmat_share_two_procs, *turn == 2 * i + 2);
        }
        join(&other);
}

TEST(maps_shows_key_and_identifier, VERIFIES(shmat_maps_inode))
{
        const struct {
                const char *name;
                key_t key;
        } rows[] = {
                {"any key", fresh_key()}, {"short key", 0x1a2b}, {"INT_MAX", INT_MAX}, {"INT_MIN", INT_MIN},
                {"-2", -2},               {"IPC_PRIVATE", IPC_PRIVATE},
        };
        const size_t size = 2 * page_size();

        /* Far from identifiers that are equal to their index. */
        burn_segment_ids(70);
        EACH_ROW(row, rows) {
                const int segment = segment_must_fit(shmget(row->key, size, IPC_CREAT | IPC_EXCL | 0600), size);
                char *const place = attach(segment, 0), wanted[32];
                struct mapping mapping;

                snprintf(wanted, sizeof(wanted), "/SYSV%08x", (unsigned)row->key);
                REQUIRE(mapping_at(place, &mapping));
                HOLDS(shmat_maps_inode, strcmp(mapping.name, wanted) == 0);
                EQ(shmat_maps_inode, mapping.inode, segment);
                EQ(shmat_maps_inode, mapping.offset, 0);
                EQ(shmat_maps_inode, mapping.end - mapping.start, size);
                /* The name is that of the beginning. */
                MUST(shmctl(segment, IPC_RMID, NULL));
                REQUIRE(mapping_at(place, &mapping));
                HOLDS(shmat_maps_inode, strcmp(mapping.name, wanted) == 0);
                EQ(shmat_maps_inode, mapping.inode, segment);
                detach(place);
        }
}
