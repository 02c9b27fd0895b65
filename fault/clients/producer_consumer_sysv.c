/* SPDX-License-Identifier: MIT
 *
 * producer_consumer_sysv: a producer hands its standard input to a consumer, which writes it to its standard output,
 * through a ring of slots in a segment. Two semaphores count the slots: one those that are free, one those in use.
 *
 *      producer_consumer_sysv create FILE
 *      producer_consumer_sysv produce FILE <text &
 *      producer_consumer_sysv consume FILE
 *      producer_consumer_sysv remove FILE
 *
 * FILE is any existing file that all sides name: ftok() makes one key of it, for segment and set. Creating is a step of
 * its own, so that nobody can meet a set whose semaphores have no value yet; producer and consumer then start in any
 * order. What the ring holds waits there for a later consumer.
 *
 * There is no SEM_UNDO: a unit that one process takes is given back by the other.
 */
#include "client.h"

#include <sys/sem.h>
#include <sys/shm.h>

enum { SLOTS = 16, MOST = 256 };
enum { FREE, USED, SEMAPHORES };

struct ring {
        unsigned in, out;               /* of the producer and of the consumer alone */
        struct slot {
                size_t length;          /* 0 ends the text */
                char bytes[MOST];
        } slots[SLOTS];
};

struct channel {
        int segment, set;
        struct ring *ring;
};

union semun {
        int val;
        struct semid_ds *buf;
        unsigned short *array;
};

/* ---- semaphores ---- */

static bool change(int set, unsigned short number, short by)
{
        struct sembuf op = {.sem_num = number, .sem_op = by};
        int done;

        do
                done = semop(set, &op, 1);
        while (done == -1 && errno == EINTR);
        return done == 0 || failed("semop");
}

static bool take(int set, unsigned short number)
{
        return change(set, number, -1);
}

static bool give(int set, unsigned short number)
{
        return change(set, number, 1);
}

/* ---- the ring ----
 * A unit that cannot be given to one semaphore goes back to the other, and the place in the ring does not move: otherwise
 * a failure would leave the ring with a slot less for ever. */

static bool put(const struct channel *c, const char *bytes, size_t length)
{
        if (!take(c->set, FREE))
                return false;
        struct slot *const slot = &c->ring->slots[c->ring->in % SLOTS];
        memcpy(slot->bytes, bytes, length);
        slot->length = length;
        if (!give(c->set, USED)) {
                give(c->set, FREE);
                return false;
        }
        c->ring->in++;
        return true;
}

/* Takes the next piece into bytes; its length, 0 at the end of the text, -1 where there is an error. */
static ssize_t get(const struct channel *c, char *bytes)
{
        if (!take(c->set, USED))
                return -1;
        const struct slot *const slot = &c->ring->slots[c->ring->out % SLOTS];
        const size_t length = slot->length;
        memcpy(bytes, slot->bytes, length);
        if (!give(c->set, FREE)) {
                give(c->set, USED);
                return -1;
        }
        c->ring->out++;
        return (ssize_t)length;
}

/* A text that cannot be read ends here for the consumer, too. */
static bool produce(const struct channel *c)
{
        char bytes[MOST];
        ssize_t n;

        do {
                n = hear(bytes, sizeof(bytes));
                if (!put(c, bytes, n > 0 ? (size_t)n : 0))
                        return false;
        } while (n > 0);
        return n == 0;
}

static bool consume(const struct channel *c)
{
        char bytes[MOST];
        ssize_t n;

        while ((n = get(c, bytes)) > 0)
                if (!say(bytes, (size_t)n))
                        return false;
        return n == 0;
}

/* ---- segment and set ---- */

static bool find_segment(key_t key, int *segment)
{
        *segment = shmget(key, sizeof(struct ring), 0);
        return *segment != -1 || failed("shmget");
}

static bool find_set(key_t key, int *set)
{
        *set = semget(key, SEMAPHORES, 0);
        return *set != -1 || failed("semget");
}

static bool use(key_t key, bool (*side)(const struct channel *))
{
        struct channel c;

        if (!find_segment(key, &c.segment) || !find_set(key, &c.set))
                return false;
        void *const memory = shmat(c.segment, NULL, 0);
        if (memory == (void *)-1)
                return failed("shmat");
        c.ring = memory;
        const bool good = side(&c);
        return (shmdt(memory) == 0 || failed("shmdt")) && good;
}

static bool remove_segment(int segment)
{
        return shmctl(segment, IPC_RMID, NULL) == 0 || failed("shmctl IPC_RMID");
}

static bool remove_set(int set)
{
        return semctl(set, 0, IPC_RMID) == 0 || failed("semctl IPC_RMID");
}

static bool create_set(key_t key)
{
        unsigned short values[SEMAPHORES] = {[FREE] = SLOTS, [USED] = 0};
        const int set = semget(key, SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);

        if (set == -1)
                return failed("semget");
        if (semctl(set, 0, SETALL, (union semun){.array = values}) == 0)
                return true;
        failed("semctl SETALL");
        remove_set(set);
        return false;
}

/* A new segment is filled with zeros: an empty ring. */
static bool create_all(key_t key)
{
        const int segment = shmget(key, sizeof(struct ring), IPC_CREAT | IPC_EXCL | 0600);

        if (segment == -1)
                return failed("shmget");
        if (create_set(key))
                return true;
        remove_segment(segment);
        return false;
}

/* One may be gone already: then the other is removed all the same. */
static bool remove_all(key_t key)
{
        int set, segment;
        const bool good = find_set(key, &set) && remove_set(set);

        return find_segment(key, &segment) && remove_segment(segment) && good;
}

static bool produce_all(key_t key)
{
        return use(key, produce);
}

static bool consume_all(key_t key)
{
        return use(key, consume);
}

int main(int argc, char **argv)
{
        const char *const command = argc == 3 ? argv[1] : "";
        bool (*const act)(key_t) = strcmp(command, "create") == 0    ? create_all
                                   : strcmp(command, "produce") == 0 ? produce_all
                                   : strcmp(command, "consume") == 0 ? consume_all
                                   : strcmp(command, "remove") == 0  ? remove_all
                                                                     : NULL;

        if (!act)
                return usage(argv[0], "create|produce|consume|remove FILE");
        const key_t key = ftok(argv[2], 'p');
        if (key == (key_t)-1) {
                failed(argv[2]);
                return FAILED;
        }
        return act(key) ? DONE : FAILED;
}
