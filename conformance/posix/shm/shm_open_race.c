/* SPDX-License-Identifier: MIT
 *
 * shm_open() by several processes with one name at the same time.
 */
#include "ipck_posix_shm.h"

enum { MOST_CONTESTANTS = 8, CONTESTS = 60 };

/* One contest after the other; result and error say what each contestant got. */
static struct contest {
        _Atomic int round, done;
        int contestants, oflag;
        int result[MOST_CONTESTANTS], error[MOST_CONTESTANTS];
        ino_t object[MOST_CONTESTANTS];
} *contest;

static struct child contestants[MOST_CONTESTANTS];

static void take_part(int i)
{
        for (int round = 1; round <= CONTESTS; round++) {
                /* All set out at the same moment as nearly as can be. */
                UNTIL(contest->round >= round);
                const int fd = opened(OBJECT_NAME, contest->oflag);

                contest->error[i] = errno;
                contest->result[i] = worked(fd);
                if (fd != -1) {
                        contest->object[i] = fstat_of(fd).st_ino;
                        MUST(close(fd));
                }
                contest->done++;
        }
}

static void begin(int oflag)
{
        struct rlimit processes;

        contest = shared(sizeof(*contest));
        contest->oflag = oflag;
        /* Where processes are few they have to suffice for the tests beside this one too. */
        MUST(getrlimit(RLIMIT_NPROC, &processes));
        contest->contestants = processes.rlim_cur < 100 ? 3 : MOST_CONTESTANTS;
        for (int i = 0; i < contest->contestants; i++)
                CHILD(&contestants[i])
                        take_part(i);
}

static void hold(int round)
{
        contest->round = round;
        UNTIL(contest->done == round * contest->contestants);
}

static void end(void)
{
        for (int i = 0; i < contest->contestants; i++)
                join(&contestants[i]);
}

TEST(one_exclusive_creator_wins, VERIFIES(shm_open_flag_excl_atomic))
{
        begin(O_RDWR | O_CREAT | O_EXCL);
        for (int round = 1; round <= CONTESTS; round++) {
                int winners = 0;

                hold(round);
                for (int i = 0; i < contest->contestants; i++) {
                        if (contest->result[i] == 0)
                                winners++;
                        else
                                EQ(shm_open_flag_excl_atomic, contest->error[i], EEXIST);
                }
                EQ(shm_open_flag_excl_atomic, winners, 1);
                EQ(shm_open_flag_excl_atomic, shm_unlink(OBJECT_NAME), 0);
        }
        end();
}

TEST(all_creators_get_the_same_object, VERIFIES(shm_open_name_leading_slash, shm_open_flag_creat_existing))
{
        begin(O_RDWR | O_CREAT);
        for (int round = 1; round <= CONTESTS; round++) {
                hold(round);
                const int fd = open_shm(O_RDWR);
                const ino_t object = fstat_of(fd).st_ino;

                for (int i = 0; i < contest->contestants; i++) {
                        EQ(shm_open_flag_creat_existing, contest->result[i], 0);
                        EQ(shm_open_name_leading_slash, contest->object[i], object);
                }
                MUST(close(fd));
                MUST(shm_unlink(OBJECT_NAME));
        }
        end();
}
