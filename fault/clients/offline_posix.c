/* SPDX-License-Identifier: MIT
 *
 * offline_posix: a writer and a reader that never run at the same time. The object keeps the text in between, because
 * its name exists until it is removed, whether or not a process uses it. For that reason they need no semaphore.
 *
 * /NAME is what both sides call it.
 */
#include "client.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MOST = 1 << 16 };

struct page {
        size_t length;
        char text[MOST];
};

static size_t size_of(size_t length)
{
        return sizeof(struct page) - MOST + length;
}

static struct page *map(int object, size_t size, int protection)
{
        void *const memory = mmap(NULL, size, protection, MAP_SHARED, object, 0);

        if (memory == MAP_FAILED) {
                failed("mmap");
                return NULL;
        }
        return memory;
}

static bool unmap(struct page *page, size_t size)
{
        return munmap(page, size) == 0 || failed("munmap");
}

static bool remove_text(const char *name)
{
        return shm_unlink(name) == 0 || failed("shm_unlink");
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

static bool store(int object, const struct page *heard)
{
        const size_t size = size_of(heard->length);

        if (ftruncate(object, (off_t)size) == -1)
                return failed("ftruncate");
        struct page *const page = map(object, size, PROT_READ | PROT_WRITE);
        if (!page)
                return false;
        memcpy(page, heard, size);
        return unmap(page, size);
}

static bool write_text(const char *name)
{
        static struct page heard;

        if (!hear_all(&heard))
                return false;
        const int object = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (object == -1)
                return failed("shm_open");
        bool good = store(object, &heard);
        if (close(object) == -1)
                good = failed("close");
        if (!good)
                remove_text(name);
        return good;
}

static bool tell(int object)
{
        struct stat st;

        if (fstat(object, &st) == -1)
                return failed("fstat");
        const size_t size = (size_t)st.st_size;
        if (size < size_of(0)) {
                fprintf(stderr, "the object is none of this program's\n");
                return false;
        }
        struct page *const page = map(object, size, PROT_READ);
        if (!page)
                return false;
        bool good = page->length <= size - size_of(0);
        if (!good)
                fprintf(stderr, "the object is none of this program's\n");
        good = good && say(page->text, page->length);
        return unmap(page, size) && good;
}

static bool read_text(const char *name)
{
        const int object = shm_open(name, O_RDONLY, 0);

        if (object == -1)
                return failed("shm_open");
        const bool good = tell(object);
        return (close(object) == 0 || failed("close")) && good;
}

int main(int argc, char **argv)
{
        const char *const command = argc == 3 ? argv[1] : "";
        bool (*const act)(const char *) = strcmp(command, "write") == 0    ? write_text
                                          : strcmp(command, "read") == 0   ? read_text
                                          : strcmp(command, "remove") == 0 ? remove_text
                                                                           : NULL;

        if (!act)
                return usage(argv[0], "write|read|remove /NAME");
        return act(argv[2]) ? DONE : FAILED;
}
