/* SPDX-License-Identifier: MIT
 *
 * The programs that the lecture notes describe (fault/clients): each does by the System V calls and by the POSIX calls
 * what the notes say, and both write the same. They are run from beside the test program.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>

#include "ipck_mechanism.h"
#include "ipck_mq.h"
#include "ipck_posix_shm.h"
#include "ipck_tool.h"

#undef IPCK_FILE_ROUTES
#define IPCK_FILE_ROUTES 0
#undef IPCK_FILE_AVAILABLE
#define IPCK_FILE_AVAILABLE NULL

/* ---- the two versions ---- */

struct version {
        const char *name;               /* as the programs' names end */
        const char *place;              /* the argument by which they find each other: a file, or a name */
        void (*need_memory)(void);      /* UNSUPPORTED where what the programs make has no room, or does not exist */
        void (*need_queues)(void);
};

/* A message of client_server_sysv and client_server_posix, and how many clients ask at a time. */
enum { MESSAGE = 264, CLIENTS = 4 };

static void sysv_memory(void)
{
        enum { SEGMENT_SIZE = 0x6400, SEMAPHORES = 2 };

        ipck_mechanisms_available();
        MUST(shmctl(segment_must_fit(shmget(IPC_PRIVATE, SEGMENT_SIZE, 0600), SEGMENT_SIZE), IPC_RMID, NULL));
        MUST(semctl(must_fit(semget(IPC_PRIVATE, SEMAPHORES, 0600), SEMAPHORES), 0, IPC_RMID));
        if (sem_limits().semopm < 1)
                UNSUPPORTED("semop() (the third field of kernel.sem is %d)", sem_limits().semopm);
}

static void sysv_queues(void)
{
        ipck_mechanisms_available();
        const int queue = queue_must_fit(msgget(IPC_PRIVATE, 0600));
        const struct msqid_ds ds = stat_of_queue(queue);

        MUST(msgctl(queue, IPC_RMID, NULL));
        if (is_too_long(MESSAGE) || ds.msg_qbytes < (CLIENTS + 1) * MESSAGE)
                UNSUPPORTED("room for %d messages of %d bytes (kernel.msgmax, msgmnb)", CLIENTS + 1, MESSAGE);
}

static void posix_queues(void)
{
        char name[16];

        ipck_mq_available();
        queue_turn();
        for (int i = 0; i <= CLIENTS; i++) {
                snprintf(name, sizeof(name), "/need%d", i);
                (mq_close)(new_mq(name, O_RDWR, i ? 1 : CLIENTS, MESSAGE));
        }
        for (int i = 0; i <= CLIENTS; i++) {
                snprintf(name, sizeof(name), "/need%d", i);
                MUST((mq_unlink)(name));
        }
}

static const struct version sysv = {"sysv", "/", sysv_memory, sysv_queues};
static const struct version posix = {"posix", "/ipck", private_directory, posix_queues};

/* The program's path; UNSUPPORTED where the test program came here without it. */
static const char *path_of(const char *program, const struct version *v)
{
        static char path[4096];

        memset(path, 0, sizeof(path));
        if (readlink("/proc/self/exe", path, sizeof(path) - 64) == -1)
                UNSUPPORTED("/proc/self/exe (%s)", errno_name(errno));
        char *const name = strrchr(path, '/') + 1;
        snprintf(name, sizeof(path) - (size_t)(name - path), "clients/%s_%s", program, v->name);
        if (access(path, X_OK) == -1)
                UNSUPPORTED("the program %s beside the test program (%s)", name, errno_name(errno));
        return path;
}

/* What the program is to find on its standard input. */
static void input(const char *text)
{
        const int fd = (int)MUST(memfd_create("input", 0));

        REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
        MUST(lseek(fd, 0, SEEK_SET));
        MUST(dup2(fd, STDIN_FILENO));
        close(fd);
}

/* ---- verdicts ---- */

/* The place of the first byte that differs, -1 where there is none. */
static long first_difference(const char *a, const char *b)
{
        long i = 0;

        while (a[i] == b[i] && a[i])
                i++;
        return a[i] == b[i] ? -1 : i;
}

/* What the program complained of is shown with the failure. */
static void expect(enum ipck_requirement req, const struct ran *ran, const char *text)
{
        fputs(ran->err, stderr);
        EQ(req, ran->status, 0);
        EQ(req, first_difference(ran->out, text), -1);
}

static void expect_done(enum ipck_requirement req, const struct ran *ran)
{
        expect(req, ran, "");
}

/* ---- attach again ---- */

static struct ran attach_again(const struct version *v)
{
        v->need_memory();
        return RUN(path_of("attach_again", v));
}

static const char attach_again_text[] = "size: 25600\nat another address: Hello, world\n";

TEST(text_is_there_at_another_address_sysv, VERIFIES(programs_attach_again_sysv))
{
        const struct ran ran = attach_again(&sysv);

        expect(programs_attach_again_sysv, &ran, attach_again_text);
}

TEST(text_is_there_at_another_address_posix, VERIFIES(programs_attach_again_posix))
{
        const struct ran ran = attach_again(&posix);

        expect(programs_attach_again_posix, &ran, attach_again_text);
}

/* ---- writer and reader that never run at the same time ---- */

static const char short_text[] = "one\ntwo\nthree";

static struct ran offline(const struct version *v, const char *what)
{
        return RUN(path_of("offline", v), what, v->place);
}

static void read_later(enum ipck_requirement req, const struct version *v)
{
        v->need_memory();
        input(short_text);
        struct ran ran = offline(v, "write");
        expect_done(req, &ran);
        for (int i = 0; i < 2; i++) {
                ran = offline(v, "read");
                expect(req, &ran, short_text);
        }
        /* A second writer does not get into what is there. */
        input("another text");
        ran = offline(v, "write");
        EQ(req, ran.status, 1);
        ran = offline(v, "read");
        expect(req, &ran, short_text);
        ran = offline(v, "remove");
        expect_done(req, &ran);
}

TEST(reader_that_starts_later_finds_the_text_sysv, VERIFIES(programs_offline_sysv))
{
        read_later(programs_offline_sysv, &sysv);
}

TEST(reader_that_starts_later_finds_the_text_posix, VERIFIES(programs_offline_posix))
{
        read_later(programs_offline_posix, &posix);
}

static void expect_gone(enum ipck_requirement req, const struct version *v)
{
        const struct ran ran = offline(v, "read");

        EQ(req, ran.status, 1);
        EQ(req, first_difference(ran.out, ""), -1);
        HOLDS(req, strstr(ran.err, "No such file or directory") != NULL);
}

static void read_too_late(enum ipck_requirement req, const struct version *v)
{
        v->need_memory();
        expect_gone(req, v);
        input(short_text);
        struct ran ran = offline(v, "write");
        expect_done(req, &ran);
        ran = offline(v, "remove");
        expect_done(req, &ran);
        expect_gone(req, v);
}

TEST(reader_after_the_removal_finds_nothing_sysv, VERIFIES(programs_offline_gone_sysv))
{
        read_too_late(programs_offline_gone_sysv, &sysv);
}

TEST(reader_after_the_removal_finds_nothing_posix, VERIFIES(programs_offline_gone_posix))
{
        read_too_late(programs_offline_gone_posix, &posix);
}

/* ---- producer and consumer ---- */

static struct ran pass_on(const struct version *v, const char *what)
{
        return RUN(path_of("producer_consumer", v), what, v->place);
}

/* Many times as long as the ring; a piece that is lost, doubled or in another's place shows. */
static const char *long_text(void)
{
        enum { LINES = 8000, LENGTH = 12 };
        static char text[LINES * LENGTH + 1];

        for (int i = 0; i < LINES; i++)
                snprintf(text + i * LENGTH, LENGTH + 1, "line %6d\n", i);
        return text;
}

/* Neither can end before the other has begun. */
static struct ran pass_on_together(enum ipck_requirement req, const struct version *v)
{
        struct child producer;

        CHILD(&producer) {
                input(long_text());
                const struct ran ran = pass_on(v, "produce");
                expect_done(req, &ran);
        }
        const struct ran ran = pass_on(v, "consume");
        join(&producer);
        return ran;
}

/* Twice: the ring goes on where it was. */
static void together(enum ipck_requirement req, const struct version *v)
{
        v->need_memory();
        struct ran ran = pass_on(v, "create");

        expect_done(req, &ran);
        for (int i = 0; i < 2; i++) {
                ran = pass_on_together(req, v);
                expect(req, &ran, long_text());
        }
        ran = pass_on(v, "remove");
        expect_done(req, &ran);
}

TEST(consumer_gets_what_the_producer_reads_sysv, VERIFIES(programs_producer_consumer_sysv))
{
        together(programs_producer_consumer_sysv, &sysv);
}

TEST(consumer_gets_what_the_producer_reads_posix, VERIFIES(programs_producer_consumer_posix))
{
        together(programs_producer_consumer_posix, &posix);
}

static void apart(enum ipck_requirement req, const struct version *v)
{
        v->need_memory();
        struct ran ran = pass_on(v, "create");

        expect_done(req, &ran);
        input(short_text);
        ran = pass_on(v, "produce");
        expect_done(req, &ran);
        ran = pass_on(v, "consume");
        expect(req, &ran, short_text);
        ran = pass_on(v, "remove");
        expect_done(req, &ran);
}

TEST(consumer_that_starts_later_gets_it_sysv, VERIFIES(programs_producer_consumer_apart_sysv))
{
        apart(programs_producer_consumer_apart_sysv, &sysv);
}

TEST(consumer_that_starts_later_gets_it_posix, VERIFIES(programs_producer_consumer_apart_posix))
{
        apart(programs_producer_consumer_apart_posix, &posix);
}

/* ---- client and server ---- */

static struct ran talk(const struct version *v, const char *what, const char *one, const char *two)
{
        return RUN(path_of("client_server", v), what, v->place, one, two);
}

static void start_server(enum ipck_requirement req, const struct version *v, struct child *server)
{
        CHILD(server) {
                const struct ran ran = talk(v, "serve", NULL, NULL);
                expect_done(req, &ran);
        }
}

/* Asks for the answers to texts that no other client asks for: many, so that those of all clients mix. */
static void ask(enum ipck_requirement req, const struct version *v, int client)
{
        enum { TEXTS = 50, LENGTH = 24 };
        char texts[TEXTS][LENGTH], answers[TEXTS * LENGTH];
        const char *argv[3 + TEXTS + 1] = {path_of("client_server", v), "ask", v->place};
        size_t length = 0;

        for (int i = 0; i < TEXTS; i++) {
                snprintf(texts[i], LENGTH, "client %d asks %d", client, i);
                argv[3 + i] = texts[i];
                length += (size_t)snprintf(answers + length, sizeof(answers) - length, "CLIENT %d ASKS %d\n", client,
                                           i);
        }
        const struct ran ran = run_tool(argv);
        expect(req, &ran, answers);
}

static void many_clients(enum ipck_requirement req, const struct version *v)
{
        struct child server, clients[CLIENTS];

        v->need_queues();
        start_server(req, v, &server);
        for (int i = 0; i < CLIENTS; i++)
                CHILD(&clients[i])
                        ask(req, v, i);
        for (int i = 0; i < CLIENTS; i++)
                join(&clients[i]);
        const struct ran ran = talk(v, "stop", NULL, NULL);
        expect_done(req, &ran);
        EVENTUALLY(req, returned(&server));
        join(&server);
}

TEST(clients_get_their_own_answers_sysv, VERIFIES(programs_client_server_sysv))
{
        many_clients(programs_client_server_sysv, &sysv);
}

TEST(clients_get_their_own_answers_posix, VERIFIES(programs_client_server_posix))
{
        many_clients(programs_client_server_posix, &posix);
}

/* How many messages wait for the server; -1 where there is no queue. */
static long waiting(const struct version *v)
{
        if (v == &sysv) {
                const int queue = (msgget)(ftok(v->place, 'c'), 0);
                return queue == -1 ? -1 : (long)QNUM(queue);
        }
        const mqd_t queue = (mq_open)(v->place, O_RDONLY);
        if (queue == (mqd_t)-1)
                return -1;
        const long count = mq_count(queue);
        (mq_close)(queue);
        return count;
}

/* How many clients wait for an answer. One that has only sent its request may find the queue gone: a server that is
 * told to stop waits for nobody to take its answers. */
static int clients_asleep(void)
{
        DIR *const stream = opendir("/proc");
        int count = 0;

        REQUIRE(stream);
        for (const struct dirent *entry; (entry = readdir(stream));) {
                const pid_t pid = (pid_t)atol(entry->d_name);
                char path[32], name[32];

                snprintf(path, sizeof(path), "/proc/%d/comm", pid);
                count += pid > 0 && read_file(path, name, sizeof(name)) > 0 &&
                         strncmp(name, "client_server", strlen("client_server")) == 0 && sleeping(pid);
        }
        closedir(stream);
        return count;
}

static void start_client(enum ipck_requirement req, const struct version *v, struct child *client)
{
        CHILD(client) {
                const struct ran ran = talk(v, "ask", "some text", NULL);
                expect(req, &ran, "SOME TEXT\n");
        }
}

/* The order to stop comes after one request and before another, and all three before the server. */
static void clients_before_server(enum ipck_requirement req, const struct version *v)
{
        struct child server, one, other;

        private_proc();
        v->need_queues();
        start_client(req, v, &one);
        UNTIL(waiting(v) == 1 && clients_asleep() == 1);
        const struct ran ran = talk(v, "stop", NULL, NULL);
        expect_done(req, &ran);
        start_client(req, v, &other);
        UNTIL(waiting(v) == 3 && clients_asleep() == 2);
        start_server(req, v, &server);
        join(&one);
        join(&other);
        EVENTUALLY(req, returned(&server));
        join(&server);
        EQ(req, waiting(v), -1);
}

TEST(requests_wait_for_the_server_sysv, VERIFIES(programs_client_server_waits_sysv))
{
        clients_before_server(programs_client_server_waits_sysv, &sysv);
}

TEST(requests_wait_for_the_server_posix, VERIFIES(programs_client_server_waits_posix))
{
        clients_before_server(programs_client_server_waits_posix, &posix);
}

/* ---- what stays behind ---- */

static size_t objects(const struct mechanism *m)
{
        static struct object_line lines[4096];
        static char text[1 << 20];
        const int fd = open_table(m);
        size_t length = 0;
        ssize_t n;

        while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
                length += (size_t)n;
        REQUIRE(n == 0);
        close(fd);
        text[length] = '\0';
        return object_lines(m, text, lines, sizeof(lines) / sizeof(*lines));
}

/* All that can be left, to compare. */
static size_t left(const struct version *v, const char *queues)
{
        return v == &posix ? (size_t)names_left() + (size_t)names_in(queues)
                           : objects(&mechanisms[QUEUE]) + objects(&mechanisms[SET]) + objects(&mechanisms[SEGMENT]);
}

/* There must be something in the meantime, or the comparison tells nothing. */
static void expect_nothing_left(enum ipck_requirement req, const struct version *v, const char *queues)
{
        struct child server;

        v->need_memory();
        v->need_queues();
        const size_t before = left(v, queues);
        attach_again(v);
        EQ(req, left(v, queues), before);

        input(short_text);
        offline(v, "write");
        EQ(req, left(v, queues), before + 1);
        offline(v, "remove");
        EQ(req, left(v, queues), before);

        pass_on(v, "create");
        HOLDS(req, left(v, queues) > before);
        pass_on_together(req, v);
        pass_on(v, "remove");
        EQ(req, left(v, queues), before);

        start_server(req, v, &server);
        talk(v, "ask", "first", "second");
        EQ(req, left(v, queues), before + 1);
        talk(v, "stop", NULL, NULL);
        join(&server);
        EQ(req, left(v, queues), before);
}

TEST(nothing_is_left_behind_sysv, VERIFIES(programs_nothing_left_sysv))
{
        expect_nothing_left(programs_nothing_left_sysv, &sysv, NULL);
}

TEST(nothing_is_left_behind_posix, VERIFIES(programs_nothing_left_posix))
{
        expect_nothing_left(programs_nothing_left_posix, &posix, mount_mqueue());
}

/* ---- the same result ---- */

static void need_all(void)
{
        sysv.need_memory();
        sysv.need_queues();
        posix.need_memory();
        posix.need_queues();
}

static void expect_same(const struct ran *a, const struct ran *b)
{
        EQ(programs_same_result, a->status, b->status);
        EQ(programs_same_result, first_difference(a->out, b->out), -1);
}

static struct ran offline_once(const struct version *v)
{
        input(short_text);
        offline(v, "write");
        const struct ran ran = offline(v, "read");
        offline(v, "remove");
        return ran;
}

static struct ran pass_on_once(const struct version *v)
{
        pass_on(v, "create");
        const struct ran ran = pass_on_together(programs_same_result, v);
        pass_on(v, "remove");
        return ran;
}

static struct ran talk_once(const struct version *v)
{
        struct child server;

        start_server(programs_same_result, v, &server);
        const struct ran ran = talk(v, "ask", "first", "second");
        talk(v, "stop", NULL, NULL);
        join(&server);
        return ran;
}

TEST(both_versions_write_the_same, VERIFIES(programs_same_result))
{
        static const struct {
                const char *name;
                struct ran (*run)(const struct version *);
        } rows[] = {
                {"attach again", attach_again}, {"offline", offline_once}, {"producer and consumer", pass_on_once},
                {"client and server", talk_once},
        };

        need_all();
        EACH_ROW(row, rows) {
                const struct ran one = row->run(&sysv), other = row->run(&posix);

                HOLDS(programs_same_result, strlen(one.out) > 0);
                expect_same(&one, &other);
        }
}

TEST(both_versions_fail_the_same, VERIFIES(programs_same_result))
{
        static const struct {
                const char *name;
                const char *program, *argument;
                int status;
        } rows[] = {
                {"attach again, wrong usage", "attach_again", "--help", 2},
                {"offline, wrong usage", "offline", "--help", 2},
                {"producer and consumer, wrong usage", "producer_consumer", "--help", 2},
                {"client and server, wrong usage", "client_server", "--help", 2},
                {"nothing to read", "offline", "read", 1},
                {"nothing to remove", "offline", "remove", 1},
                {"no ring to consume from", "producer_consumer", "consume", 1},
                {"no ring to remove", "producer_consumer", "remove", 1},
                {"no server to stop", "client_server", "stop", 1},
        };

        need_all();
        EACH_ROW(row, rows) {
                const bool usage = row->status == 2;
                const struct ran one = RUN(path_of(row->program, &sysv), row->argument, usage ? NULL : sysv.place),
                                 other = RUN(path_of(row->program, &posix), row->argument, usage ? NULL : posix.place);

                EQ(programs_same_result, one.status, row->status);
                expect_same(&one, &other);
                EQ(programs_same_result, first_difference(one.out, ""), -1);
                HOLDS(programs_same_result, strlen(one.err) > 0);
                HOLDS(programs_same_result, strlen(other.err) > 0);
        }
}
