/* SPDX-License-Identifier: MIT
 *
 * producer_consumer_posix: a producer hands its standard input to a consumer, which writes it to its standard output,
 * through a ring of slots in a shared memory object. Two named semaphores count the slots: one those that are free, one
 * those in use.
 *
 *      producer_consumer_posix create /NAME
 *      producer_consumer_posix produce /NAME <text &
 *      producer_consumer_posix consume /NAME
 *      producer_consumer_posix remove /NAME
 *
 * Creating is a step of its own, so that nobody can meet an object that has no size yet; producer and consumer then
 * start in any order. What the ring holds waits there for a later consumer.
 */
#include "client.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SLOTS = 16, MOST = 256, MOST_NAME = 200 };

struct ring {
        unsigned in, out;               /* of the producer and of the consumer alone */
        struct slot {
                size_t length;          /* 0 ends the text */
                char bytes[MOST];
        } slots[SLOTS];
};

struct channel {
        sem_t *free, *used;
        struct ring *ring;
};

/* What the object and its semaphores are called. */
struct names {
        char object[MOST_NAME + 8], free[MOST_NAME + 8], used[MOST_NAME + 8];
};

/* ---- semaphores ---- */

static bool take(sem_t *semaphore)
{
        int done;

        do
                done = sem_wait(semaphore);
        while (done == -1 && errno == EINTR);
        return done == 0 || failed("sem_wait");
}

static bool give(sem_t *semaphore)
{
        return sem_post(semaphore) == 0 || failed("sem_post");
}

/* ---- the ring ----
 * A unit that cannot be given to one semaphore goes back to the other, and the place in the ring does not move: otherwise
 * a failure would leave the ring with a slot less for ever. */

static bool put(const struct channel *c, const char *bytes, size_t length)
{
        if (!take(c->free))
                return false;
        struct slot *const slot = &c->ring->slots[c->ring->in % SLOTS];
        memcpy(slot->bytes, bytes, length);
        slot->length = length;
        if (!give(c->used)) {
                give(c->free);
                return false;
        }
        c->ring->in++;
        return true;
}

/* Takes the next piece into bytes; its length, 0 at the end of the text, -1 where there is an error. */
static ssize_t get(const struct channel *c, char *bytes)
{
        if (!take(c->used))
                return -1;
        const struct slot *const slot = &c->ring->slots[c->ring->out % SLOTS];
        const size_t length = slot->length;
        memcpy(bytes, slot->bytes, length);
        if (!give(c->free)) {
                give(c->used);
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

/* ---- object and semaphores ---- */

static bool use_ring(struct channel *c, const struct names *names, bool (*side)(const struct channel *))
{
        const int object = shm_open(names->object, O_RDWR, 0);

        if (object == -1)
                return failed("shm_open");
        void *const memory = mmap(NULL, sizeof(*c->ring), PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
        if (memory == MAP_FAILED)
                failed("mmap");
        if (close(object) == -1)
                failed("close");
        if (memory == MAP_FAILED)
                return false;
        c->ring = memory;
        const bool good = side(c);
        return (munmap(memory, sizeof(*c->ring)) == 0 || failed("munmap")) && good;
}

static bool close_semaphore(sem_t *semaphore)
{
        return sem_close(semaphore) == 0 || failed("sem_close");
}

static bool use(const struct names *names, bool (*side)(const struct channel *))
{
        struct channel c;

        c.free = sem_open(names->free, 0);
        if (c.free == SEM_FAILED)
                return failed("sem_open");
        c.used = sem_open(names->used, 0);
        if (c.used == SEM_FAILED) {
                failed("sem_open");
                close_semaphore(c.free);
                return false;
        }
        bool good = use_ring(&c, names, side);
        good = close_semaphore(c.used) && good;
        return close_semaphore(c.free) && good;
}

static bool remove_object(const char *name)
{
        return shm_unlink(name) == 0 || failed("shm_unlink");
}

static bool remove_semaphore(const char *name)
{
        return sem_unlink(name) == 0 || failed("sem_unlink");
}

/* A new object has the size 0, and is filled with zeros when it grows: an empty ring. */
static bool create_object(const char *name)
{
        const int object = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

        if (object == -1)
                return failed("shm_open");
        bool good = ftruncate(object, sizeof(struct ring)) == 0 || failed("ftruncate");
        if (close(object) == -1)
                good = failed("close");
        if (!good)
                remove_object(name);
        return good;
}

static bool create_semaphore(const char *name, unsigned value)
{
        sem_t *const semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, value);

        if (semaphore == SEM_FAILED)
                return failed("sem_open");
        if (close_semaphore(semaphore))
                return true;
        remove_semaphore(name);
        return false;
}

static bool create_all(const struct names *names)
{
        if (!create_object(names->object))
                return false;
        if (create_semaphore(names->free, SLOTS)) {
                if (create_semaphore(names->used, 0))
                        return true;
                remove_semaphore(names->free);
        }
        remove_object(names->object);
        return false;
}

static bool remove_all(const struct names *names)
{
        bool good = remove_semaphore(names->used);

        good = remove_semaphore(names->free) && good;
        return remove_object(names->object) && good;
}

static bool produce_all(const struct names *names)
{
        return use(names, produce);
}

static bool consume_all(const struct names *names)
{
        return use(names, consume);
}

int main(int argc, char **argv)
{
        const char *const command = argc == 3 && strlen(argv[2]) <= MOST_NAME ? argv[1] : "";
        bool (*const act)(const struct names *) = strcmp(command, "create") == 0    ? create_all
                                                  : strcmp(command, "produce") == 0 ? produce_all
                                                  : strcmp(command, "consume") == 0 ? consume_all
                                                  : strcmp(command, "remove") == 0  ? remove_all
                                                                                    : NULL;
        struct names names;

        if (!act)
                return usage(argv[0], "create|produce|consume|remove /NAME");
        snprintf(names.object, sizeof(names.object), "%s", argv[2]);
        snprintf(names.free, sizeof(names.free), "%s.free", argv[2]);
        snprintf(names.used, sizeof(names.used), "%s.used", argv[2]);
        return act(&names) ? DONE : FAILED;
}
