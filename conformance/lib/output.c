/* SPDX-License-Identifier: MIT
 *
 * output.c: results as KTAP version 1 (https://docs.kernel.org/dev-tools/ktap.html) and as JSON lines. A record is
 * put together in memory and written whole.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <sys/utsname.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "counters.h"
#include "internal.h"

static int json_fd = -1, ktap_fd = -1;
static unsigned long long capabilities;         /* effective, before a user namespace changes what that means */
static unsigned user;
static char *machine;                           /* JSON members, of the time before anything was isolated */

static int open_output(const char *path)
{
        int fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                                   : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STOP_FD + 1);

        if (fd < 0)
                ipck_fatal("%s: %s", path, strerror(errno));
        return fd;
}

static void remember_user(void)
{
        char text[4096];

        user = getuid();
        if (read_file("/proc/thread-self/status", text, sizeof(text)) > 0) {
                const char *line = strstr(text, "\nCapEff:");
                capabilities = line ? strtoull(line + 8, NULL, 16) : 0;
        }
}

struct record {
        FILE *stream;
        char *text;
        size_t size;
};

static FILE *begin(struct record *r)
{
        r->stream = open_memstream(&r->text, &r->size);
        if (!r->stream)
                ipck_fatal("out of memory");
        return r->stream;
}

static void emit(struct record *r, int fd)
{
        size_t done = 0;

        fclose(r->stream);
        while (done < r->size) {
                ssize_t n = write(fd, r->text + done, r->size - done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        ipck_fatal("writing results: %s (those written before are complete)", strerror(errno));
                done += (size_t)n;
        }
        free(r->text);
}

static void remember_machine(void)
{
        struct record r = {0};

        ipck_describe_machine(begin(&r));
        fclose(r.stream);
        machine = r.text;
}

void ipck_out_open(void)
{
        remember_user();
        if (ipck_options.json) {
                remember_machine();
                json_fd = open_output(ipck_options.json);
        }
        if (ipck_options.ktap)
                ktap_fd = open_output(ipck_options.ktap);
}

/* The length of the well-formed UTF-8 sequence at s; 0 if there is none. */
static size_t utf8(const unsigned char *s)
{
        const size_t length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                              : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

        for (size_t i = 1; i < length; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
        if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
            (s[0] == 0xf4 && s[1] > 0x8f))
                return 0;
        return length;
}

/* ---- JSON ---- */

void ipck_json_string(FILE *out, const char *text)
{
        fputc('"', out);
        for (const unsigned char *s = (const unsigned char *)text; *s;) {
                const size_t length = utf8(s);
                if (length == 0) {
                        fputs("\\ufffd", out);
                        s++;
                } else if (*s == '"' || *s == '\\') {
                        fprintf(out, "\\%c", *s++);
                } else if (*s == '\n') {
                        fputs("\\n", out);
                        s++;
                } else if (*s < 0x20 || *s == 0x7f) {
                        fprintf(out, "\\u%04x", *s++);
                } else {
                        fwrite(s, 1, length, out);
                        s += length;
                }
        }
        fputc('"', out);
}

/* ,"name":"text", left out where the text is empty. */
static void json_member(FILE *out, const char *name, const char *text)
{
        if (*text) {
                fprintf(out, ",\"%s\":", name);
                ipck_json_string(out, text);
        }
}

/* The capabilities that IPC and these tests look at. */
static void json_capabilities(FILE *out)
{
        static const struct {
                int number;
                const char *name;
        } wanted[] = {
#define CAPABILITY(name) {name, #name}
                CAPABILITY(CAP_CHOWN),      CAPABILITY(CAP_DAC_OVERRIDE), CAPABILITY(CAP_FOWNER),
                CAPABILITY(CAP_KILL),       CAPABILITY(CAP_SETGID),       CAPABILITY(CAP_SETUID),
                CAPABILITY(CAP_IPC_LOCK),   CAPABILITY(CAP_IPC_OWNER),    CAPABILITY(CAP_SYS_ADMIN),
                CAPABILITY(CAP_SYS_PTRACE), CAPABILITY(CAP_SYS_RESOURCE),
#undef CAPABILITY
        };
        const char *comma = "";

        fputs(",\"missing_capabilities\":[", out);
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
                if (!(capabilities >> wanted[i].number & 1)) {
                        fprintf(out, "%s\"%s\"", comma, wanted[i].name);
                        comma = ",";
                }
        }
        fputc(']', out);
}

static void libc_name(char *buffer, size_t size)
{
#ifdef __GLIBC__
        snprintf(buffer, size, "glibc %s", gnu_get_libc_version());
#else
        snprintf(buffer, size, "%s", IPCK_LIBC_NAME);
#endif
}

/* "namespaces, prepared: kernel.msgmni=16", or "none: " and why. */
static void describe_isolation(char *buffer, size_t size, const struct ipck_isolation *is)
{
        const char *kind = is->possible ? is->user_namespace ? "user namespace" : "namespaces" : "none: ";
        size_t used = (size_t)snprintf(buffer, size, "%s%s", kind, is->possible ? "" : is->reason);

        for (size_t i = 0; is->possible && i < ipck_options.preparations && used < size; i++)
                used += (size_t)snprintf(buffer + used, size - used, "%s %s", i ? "" : ", prepared:",
                                         ipck_options.prepare[i]);
}

void ipck_out_head(const struct ipck_isolation *is, size_t tests)
{
        struct utsname name;
        char libc[64], isolation[512];

        uname(&name);
        describe_isolation(isolation, sizeof(isolation), is);
        libc_name(libc, sizeof(libc));
        if (json_fd >= 0) {
                struct record r = {0};
                char text[320];
                FILE *out = begin(&r);
                fputs("{\"type\":\"run\",\"schema\":1,\"program\":\"ipck-tests\"", out);
                json_member(out, "flavour", IPCK_FLAVOUR);
                json_member(out, "compiler", IPCK_COMPILER);
                json_member(out, "libc", libc);
                snprintf(text, sizeof(text), "%s %s %s", name.sysname, name.release, name.version);
                json_member(out, "kernel", text);
                json_member(out, "machine", name.machine);
                fprintf(out, ",\"uid\":%u", user);
                json_member(out, "isolation", isolation);
                json_capabilities(out);
                fputs(machine, out);
                fprintf(out, ",\"limits\":{%s},\"seed\":%" PRIu64 ",\"jobs\":%u,\"deadline\":%g,\"tests\":%zu}\n",
                        is->limits, ipck_options.seed, ipck_options.jobs,
                        ipck_options.deadline * ipck_options.time_scale, tests);
                emit(&r, json_fd);
        }
        if (ktap_fd >= 0) {
                struct record r = {0};
                FILE *out = begin(&r);
                fprintf(out, "KTAP version 1\n# %s: %s, %s %s %s, user %u, isolation: %s\n", IPCK_FLAVOUR, libc,
                        name.sysname, name.release, name.machine, user, isolation);
                fprintf(out, "# seed %" PRIu64 "\n1..%zu\n", ipck_options.seed, tests);
                emit(&r, ktap_fd);
        }
}

void ipck_out_start(const struct ipck_case *which)
{
        struct record r = {0};

        if (json_fd < 0)
                return;
        fputs("{\"type\":\"start\",\"test\":", begin(&r));
        ipck_json_string(r.stream, which->id);
        fputs("}\n", r.stream);
        emit(&r, json_fd);
}

void ipck_out_counters(const char *at)
{
        struct record r = {0};

        if (json_fd < 0 || !ipck_options.counting)
                return;
        ipck_counters_write(begin(&r), at);
        emit(&r, json_fd);
}

static const char *const status_names[] = {
        [STATUS_PASS] = "pass",       [STATUS_SKIP] = "skip", [STATUS_ERROR] = "error",
        [STATUS_TIMEOUT] = "timeout", [STATUS_FAIL] = "fail",
};
static const char *const answer_names[] = {
        [ANSWER_PASS] = "pass",       [ANSWER_FAIL] = "fail", [ANSWER_UNRESOLVED] = "unresolved",
        [ANSWER_MISSING] = "missing", [ANSWER_SKIP] = "skip",
};

static void json_case(const struct ipck_outcome *o)
{
        struct record r = {0};
        FILE *out = begin(&r);

        fputs("{\"type\":\"test\",\"test\":", out);
        ipck_json_string(out, o->which->id);
        json_member(out, "file", o->which->test->file);
        fprintf(out, ",\"line\":%d,\"status\":\"%s\"", o->which->test->line, status_names[o->status]);
        json_member(out, "reason", o->reason);
        fprintf(out, ",\"seconds\":%.6f", o->seconds);
        json_member(out, "output", o->output);
        fputs(",\"requirements\":[", out);
        for (size_t i = 0; i < o->requirements; i++) {
                const struct ipck_verdict *v = o->requirement[i].verdict;
                fprintf(out, "%s{\"id\":", i ? "," : "");
                ipck_json_string(out, ipck_requirement_ids[o->requirement[i].id]);
                fprintf(out, ",\"verdict\":\"%s\"", answer_names[o->requirement[i].answer]);
                json_member(out, "reason", o->requirement[i].reason);
                if (v) {
                        fprintf(out, ",\"checks\":%u", v->checks);
                        json_member(out, "where", v->where);
                        json_member(out, "row", v->row);
                        json_member(out, "expression", v->expression);
                        json_member(out, "wanted", v->wanted);
                        json_member(out, "got", v->got);
                        json_member(out, "observed", v->observed);
                }
                fputc('}', out);
        }
        fputs("]}\n", out);
        emit(&r, json_fd);
}

/* ---- KTAP ---- */

/* Prints up to end what is fit for one line; '#' is escaped where a parser could take it for a directive. */
static void ktap_line(FILE *out, const char *text, const char *end, bool escape)
{
        for (const unsigned char *s = (const unsigned char *)text; s < (const unsigned char *)end;) {
                const size_t length = utf8(s);
                if (*s == '\n')
                        fputs(" | ", out);
                else if (*s == '#' && escape)
                        fputs("\\#", out);
                else if (length == 0 || *s < 0x20 || *s == 0x7f)
                        fputc('?', out);
                else
                        fwrite(s, 1, length, out);
                s += length ? length : 1;
        }
}

static void ktap_text(FILE *out, const char *text)
{
        ktap_line(out, text, text + strlen(text), true);
}

static void ktap_diagnostic(FILE *out, const char *indent, const char *text)
{
        for (const char *end; *text; text = *end ? end + 1 : end) {
                end = text + strcspn(text, "\n");
                fprintf(out, "%s# ", indent);
                ktap_line(out, text, end, false);
                fputc('\n', out);
        }
}

static void ktap_requirement(FILE *out, const struct ipck_outcome *o, size_t i)
{
        const struct ipck_verdict *v = o->requirement[i].verdict;
        const enum ipck_answer answer = o->requirement[i].answer;

        fprintf(out, "  %sok %zu %s", answer == ANSWER_PASS || answer == ANSWER_SKIP ? "" : "not ", i + 1,
                ipck_requirement_ids[o->requirement[i].id]);
        switch (answer) {
        case ANSWER_PASS:
                if (v && *v->observed) {
                        fputs(" # observed: ", out);
                        ktap_text(out, v->observed);
                }
                break;
        case ANSWER_FAIL:
                fprintf(out, " # %s ", v->where);
                if (*v->row) {
                        fputc('[', out);
                        ktap_text(out, v->row);
                        fputs("] ", out);
                }
                ktap_text(out, v->expression);
                fputs(": want ", out);
                ktap_text(out, v->wanted);
                fputs(", got ", out);
                ktap_text(out, v->got);
                break;
        case ANSWER_SKIP:
                fputs(" # SKIP ", out);
                ktap_text(out, o->requirement[i].reason);
                break;
        case ANSWER_UNRESOLVED:
        case ANSWER_MISSING:
                fprintf(out, " # %s", o->status == STATUS_TIMEOUT ? "TIMEOUT" : "ERROR ");
                if (o->status != STATUS_TIMEOUT)
                        ktap_text(out, o->requirement[i].reason);
                break;
        }
        fputc('\n', out);
}

static void ktap_case(const struct ipck_outcome *o, size_t number)
{
        const bool ok = o->status == STATUS_PASS || o->status == STATUS_SKIP;
        struct record r = {0};
        FILE *out = begin(&r);

        fprintf(out, "  KTAP version 1\n  # Subtest: %s\n  1..%zu\n", o->which->id, o->requirements);
        for (size_t i = 0; i < o->requirements; i++)
                ktap_requirement(out, o, i);
        if (!ok) {
                ktap_diagnostic(out, "  ", o->reason);
                ktap_diagnostic(out, "  ", o->output);
        }
        fprintf(out, "%sok %zu %s", ok ? "" : "not ", number, o->which->id);
        if (o->status == STATUS_SKIP || o->status == STATUS_ERROR) {
                fputs(o->status == STATUS_SKIP ? " # SKIP " : " # ERROR ", out);
                ktap_text(out, o->reason);
        } else if (o->status == STATUS_TIMEOUT) {
                fputs(" # TIMEOUT", out);
        }
        fputc('\n', out);
        emit(&r, ktap_fd);
}

void ipck_out_case(const struct ipck_outcome *o, size_t number)
{
        if (json_fd >= 0)
                json_case(o);
        if (ktap_fd >= 0)
                ktap_case(o, number);
}

void ipck_out_end(size_t tests, double seconds)
{
        if (json_fd >= 0) {
                struct record r = {0};
                fprintf(begin(&r), "{\"type\":\"end\",\"tests\":%zu,\"seconds\":%.6f}\n", tests, seconds);
                emit(&r, json_fd);
        }
        if (ktap_fd >= 0) {
                struct record r = {0};
                fprintf(begin(&r), "# %zu tests in %.3f s\n", tests, seconds);
                emit(&r, ktap_fd);
        }
}
