/* SPDX-License-Identifier: MIT
 *
 * shm_open() by several processes with one name at the same time.
 */
#include "ipck_contest.h"
#include "ipck_posix_shm.h"

/* What each contestant got. */
static struct {
        int oflag, fd[MOST_CONTESTANTS], error[MOST_CONTESTANTS];
        ino_t object[MOST_CONTESTANTS];
} *seen;

static void create(int i)
{
        seen->fd[i] = opened(OBJECT_NAME, seen->oflag);
        seen->error[i] = errno;
        if (seen->fd[i] != -1)
                seen->object[i] = fstat_of(seen->fd[i]).st_ino;
}

/* Only now: an inode's number names it as long as it exists. */
static void let_go(int i)
{
        if (seen->fd[i] != -1)
                MUST(close(seen->fd[i]));
}

static void begin(int oflag)
{
        seen = shared(sizeof(*seen));
        seen->oflag = oflag;
        begin_contests(create, let_go);
}

TEST(one_exclusive_creator_wins, VERIFIES(shm_open_flag_excl_atomic, shm_open_eexist))
{
        begin(O_RDWR | O_CREAT | O_EXCL);
        for (int n = 0; n < CONTESTS; n++) {
                int winners = 0;

                hold_contest();
                for (int i = 0; i < contestants(); i++) {
                        if (seen->fd[i] != -1)
                                winners++;
                        else
                                EQ(shm_open_eexist, seen->error[i], EEXIST);
                }
                EQ(shm_open_flag_excl_atomic, winners, 1);
                EQ(shm_open_flag_excl_atomic, shm_unlink(OBJECT_NAME), 0);
        }
        end_contests();
}

TEST(all_creators_get_the_same_object, VERIFIES(shm_open_name_leading_slash, shm_open_flag_creat_existing))
{
        begin(O_RDWR | O_CREAT);
        for (int n = 0; n < CONTESTS; n++) {
                hold_contest();
                const int fd = open_shm(O_RDWR);
                const ino_t object = fstat_of(fd).st_ino;

                for (int i = 0; i < contestants(); i++) {
                        EQ(shm_open_flag_creat_existing, worked(seen->fd[i]), 0);
                        EQ(shm_open_name_leading_slash, seen->object[i], object);
                }
                MUST(close(fd));
                MUST(shm_unlink(OBJECT_NAME));
        }
        end_contests();
}
