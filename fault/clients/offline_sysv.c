/* SPDX-License-Identifier: MIT
 *
 * offline_sysv: a writer and a reader that never run at the same time. The segment keeps the text in between, because
 * it exists until it is removed, whether or not a process uses it. For that reason they need no semaphore.
 *
 * FILE is any existing file that both sides name: ftok() makes the key of it.
 */
#include "client.h"

#include <sys/shm.h>

enum { MOST = 1 << 16 };

struct page {
        size_t length;
        char text[MOST];
};

static size_t size_of(size_t length)
{
        return sizeof(struct page) - MOST + length;
}

static struct page *attach(int segment, int flags)
{
        void *const memory = shmat(segment, NULL, flags);

        if (memory == (void *)-1) {
                failed("shmat");
                return NULL;
        }
        return memory;
}

static bool detach(const struct page *page)
{
        return shmdt(page) == 0 || failed("shmdt");
}

static bool remove_segment(int segment)
{
        return shmctl(segment, IPC_RMID, NULL) == 0 || failed("shmctl IPC_RMID");
}

static bool hear_all(struct page *page)
{
        ssize_t n;

        do {
                n = hear(page->text + page->length, MOST - page->length);
                if (n == -1)
                        return false;
                page->length += (size_t)n;
        } while (n > 0);
        if (page->length < MOST)
                return true;
        fprintf(stderr, "the text is too long: less than %d bytes fit\n", MOST);
        return false;
}

static bool store(int segment, const struct page *heard)
{
        struct page *const page = attach(segment, 0);

        if (!page)
                return false;
        memcpy(page, heard, size_of(heard->length));
        return detach(page);
}

static bool write_text(key_t key)
{
        static struct page heard;

        if (!hear_all(&heard))
                return false;
        const int segment = shmget(key, size_of(heard.length), IPC_CREAT | IPC_EXCL | 0600);
        if (segment == -1)
                return failed("shmget");
        if (store(segment, &heard))
                return true;
        remove_segment(segment);
        return false;
}

static int find(key_t key)
{
        const int segment = shmget(key, 0, 0);

        if (segment == -1)
                failed("shmget");
        return segment;
}

static bool read_text(key_t key)
{
        struct shmid_ds ds;
        const int segment = find(key);

        if (segment == -1)
                return false;
        if (shmctl(segment, IPC_STAT, &ds) == -1)
                return failed("shmctl IPC_STAT");
        const struct page *const page = attach(segment, SHM_RDONLY);
        if (!page)
                return false;
        bool good = ds.shm_segsz >= size_of(0) && page->length <= ds.shm_segsz - size_of(0);
        if (!good)
                fprintf(stderr, "the segment is none of this program's\n");
        good = good && say(page->text, page->length);
        return detach(page) && good;
}

static bool remove_text(key_t key)
{
        const int segment = find(key);

        return segment != -1 && remove_segment(segment);
}

int main(int argc, char **argv)
{
        const char *const command = argc == 3 ? argv[1] : "";
        bool (*const act)(key_t) = strcmp(command, "write") == 0    ? write_text
                                   : strcmp(command, "read") == 0   ? read_text
                                   : strcmp(command, "remove") == 0 ? remove_text
                                                                    : NULL;

        if (!act)
                return usage(argv[0], "write|read|remove FILE");
        const key_t key = ftok(argv[2], 'o');
        if (key == (key_t)-1) {
                failed(argv[2]);
                return FAILED;
        }
        return act(key) ? DONE : FAILED;
}
