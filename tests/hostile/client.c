/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client of the bus that means no good, or measures what others have of it.
 *
 *   client random UID SEED N INTERFACE-XML   N calls of the interface's members with arguments of right and wrong types
 *   client flood UID SECONDS                 calls without end, answers unread for as long as the bus bears it (or SIGTERM)
 *   client hold UID CONNECTIONS CALLS BYTES  so many calls of Converge on each of so many connections, with so many bytes of names
 *                                            each; prints the error of each that is answered, until SIGTERM
 *   client silent NAME                       owns that name and answers nobody; prints what is called, until SIGTERM or the end of the bus
 *   client gate N XML-FILE                   N calls of Gate, one after the other; prints the slowest, the 99th percentile and the median, in us
 *
 * The bus is DBUS_SYSTEM_BUS_ADDRESS. UID is taken on before the bus is seen.
 */

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "core/util.h"

#define NAME "org.xsavesd1"
#define PATH "/org/xsavesd1"
#define INTERFACE "org.xsavesd1.Manager"
#define MEMBERS_MAX 32
#define TEXT_MAX 4096

struct member {
        char name[64];
        char signature[16]; /* of its arguments */
};

static struct member members[MEMBERS_MAX];
static size_t n_members;

static void must(bool condition, const char *what) {
        if (condition)
                return;
        fprintf(stderr, "client: %s: %m\n", what);
        exit(2);
}

static uint64_t now_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static sd_bus *open_as(const char *uid) {
        uid_t id = (uid_t)atoi(uid);
        sd_bus *bus;

        if (id != 0 && geteuid() == 0)
                must(setgroups(0, NULL) == 0 && setresgid(id, id, id) == 0 &&
                             setresuid(id, id, id) == 0,
                     "setresuid");
        must(sd_bus_open_system(&bus) >= 0, "no bus");
        return bus;
}

/* --- random calls --- */

/* One element a line, as the file has it. */
static void read_members(const char *path) {
        AUTO_FCLOSE FILE *file = fopen(path, "re");
        struct member *member = NULL;
        char line[512], type[16];

        must(file != NULL, path);
        while (fgets(line, sizeof(line), file)) {
                char *name = strstr(line, "<method name=\"");
                const char *in = strstr(line, "type=\"");

                if (name && n_members < MEMBERS_MAX) {
                        member = &members[n_members++];
                        must(sscanf(name, "<method name=\"%63[A-Za-z]\"", member->name) == 1, line);
                } else if (member && in && strstr(line, "direction=\"in\"") &&
                           sscanf(in, "type=\"%15[a-z{}]\"", type) == 1) {
                        must(strlen(member->signature) + strlen(type) < sizeof(member->signature),
                             line);
                        strcat(member->signature, type);
                }
        }
        must(n_members > 0, "no methods in the interface");
}

static unsigned pick(unsigned n) {
        return (unsigned)rand() % n;
}

static const char *random_text(void) {
        static const char *const texts[] = {
                "",
                "prepare",
                "start",
                "started",
                "migrate",
                "begin",
                "granted",
                "asking",
                "*",
                "../../etc/passwd",
                "<domain type='test'><name>x</name></domain>",
                "<domain type='test'><name>x</name><cpu mode='host-passthrough'><feature "
                "policy='force' name='xsaves'/>"
                "</cpu></domain>",
                "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><domain "
                "type='test'>&b;</domain>",
                "<domain",
                "<a xmlns='urn:a'/>",
                "\xc3\xa4\xe2\x82\xac",
                "%s%n%x",
                "\n\r\t\x1b[2J",
        };
        static char noise[TEXT_MAX];
        size_t length = pick(TEXT_MAX - 1);

        if (pick(4) > 0)
                return texts[pick(ELEMENTS_OF(texts))];
        for (size_t i = 0; i < length; i++)
                noise[i] = (char)(1 + pick(127));
        noise[length] = '\0';
        return noise;
}

static int append_texts(sd_bus_message *call) {
        int r = sd_bus_message_open_container(call, 'a', "s");

        for (unsigned n = pick(20); r >= 0 && n > 0; n--)
                r = sd_bus_message_append(call, "s", random_text());
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int append_one(sd_bus_message *call, char type) {
        switch (type) {
        case 's':
                return sd_bus_message_append(call, "s", random_text());
        case 'b':
                return sd_bus_message_append(call, "b", (int)pick(2));
        case 'u':
                return sd_bus_message_append(call, "u", (unsigned)rand());
        case 't':
                return sd_bus_message_append(call, "t", (uint64_t)rand() << 33);
        case 'v':
                return sd_bus_message_append(call, "v", "s", random_text());
        case 'd':
                return sd_bus_message_append(call, "d", 1e308 * rand());
        default:
                return append_texts(call);
        }
}

/* 'a' is an array of strings. */
static int append_random(sd_bus_message *call, const char *signature) {
        static const char types[] = "sbutvda";
        int r = 0;

        if (pick(3) > 0) {
                for (; r >= 0 && *signature; signature++) {
                        r = append_one(call, *signature);
                        if (*signature == 'a')
                                signature++;
                }
                return r;
        }
        for (unsigned n = pick(6); r >= 0 && n > 0; n--)
                r = append_one(call, types[pick(sizeof(types) - 1)]);
        return r;
}

static void call_properties(sd_bus *bus) {
        static const char *const properties[] = {"Enforce", "PolicyGeneration", "Version", "Host",
                                                 "None"};
        const char *property = properties[pick(ELEMENTS_OF(properties))];

        if (pick(2) == 0)
                sd_bus_call_method(bus, NAME, PATH, "org.freedesktop.DBus.Properties", "Set", NULL,
                                   NULL, "ssv", INTERFACE, property, "b", 0);
        else
                sd_bus_call_method(bus, NAME, PATH, "org.freedesktop.DBus.Properties", "Get", NULL,
                                   NULL, "ss", pick(2) ? INTERFACE : random_text(), property);
}

static void call_randomly(sd_bus *bus, unsigned *n_answers) {
        static const char *const paths[] = {PATH, PATH, PATH, PATH, "/", "/org/xsavesd1/a"};
        const struct member *member = &members[pick((unsigned)n_members)];
        sd_bus_message *call = NULL, *reply = NULL;
        int r;

        if (pick(10) == 0) {
                call_properties(bus);
                return;
        }
        r = sd_bus_message_new_method_call(bus, &call, NAME, paths[pick(ELEMENTS_OF(paths))],
                                           INTERFACE, member->name);
        if (r >= 0)
                r = append_random(call, member->signature);
        must(r >= 0, "cannot make a call");
        if (pick(8) == 0) {
                sd_bus_message_set_expect_reply(call, false);
                sd_bus_send(bus, call, NULL);
        } else {
                r = sd_bus_call(bus, call, UINT64_C(10) * 1000 * 1000, NULL, &reply);
                must(r >= 0 || (r != -ETIMEDOUT && r != -ECONNRESET && r != -ENOTCONN),
                     "no answer");
                *n_answers += r >= 0;
        }
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
}

static int be_random(char **argv) {
        unsigned n = (unsigned)atoi(argv[2]), n_answers = 0;
        sd_bus *bus;

        read_members(argv[3]);
        bus = open_as(argv[0]);
        srand((unsigned)atoi(argv[1]));
        while (n-- > 0)
                call_randomly(bus, &n_answers);
        printf("%u\n", n_answers);
        sd_bus_flush_close_unref(bus);
        return 0;
}

/* --- a flood --- */

static int ignore(sd_bus_message *reply UNUSED, void *userdata UNUSED, sd_bus_error *error UNUSED) {
        return 0;
}

static volatile sig_atomic_t is_over;

static void end(int number UNUSED) {
        is_over = 1;
}

static int flood(char **argv) {
        static const char *const calls[] = {"Reload", "Gate", "Converge", "Revert", "ListGuests"};
        uint64_t until = now_usec() + (uint64_t)atoi(argv[1]) * 1000000;
        sd_bus *bus = open_as(argv[0]);
        unsigned n = 0;

        signal(SIGTERM, end);
        while (now_usec() < until && !is_over) {
                for (unsigned i = 0; i < 200; i++, n++)
                        if (sd_bus_call_method_async(bus, NULL, NAME, PATH, INTERFACE,
                                                     calls[n % ELEMENTS_OF(calls)], ignore, NULL,
                                                     NULL) < 0)
                                break;
                if (sd_bus_flush(bus) < 0) {
                        /* Thrown out. */
                        sd_bus_unref(bus);
                        if (sd_bus_open_system(&bus) < 0)
                                break;
                }
                while (sd_bus_process(bus, NULL) > 0)
                        ;
        }
        printf("%u\n", n);
        return 0;
}

/* --- calls that are held --- */

#define CONNECTIONS_MAX 200

static int print_error(sd_bus_message *reply, void *userdata UNUSED, sd_bus_error *error UNUSED) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);

        puts(e ? e->name : "none");
        return 0;
}

/* Names of guests, of 1 KiB each. */
static void call_converge(sd_bus *bus, size_t bytes) {
        static char name[1024];
        sd_bus_message *call = NULL;
        int r;

        memset(name, 'x', sizeof(name) - 1);
        r = sd_bus_message_new_method_call(bus, &call, NAME, PATH, INTERFACE, "Converge");
        if (r >= 0)
                r = sd_bus_message_append(call, "b", 0);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "s");
        for (size_t n = 0; r >= 0 && n < bytes; n += sizeof(name))
                r = sd_bus_message_append(call, "s", name);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r >= 0)
                r = sd_bus_call_async(bus, NULL, call, print_error, NULL, UINT64_MAX);
        must(r >= 0, "cannot call");
        sd_bus_message_unref(call);
        must(sd_bus_flush(bus) >= 0, "cannot send");
}

static int hold(char **argv) {
        size_t n = (size_t)atoi(argv[1]), bytes = (size_t)atoi(argv[3]);
        static sd_bus *connections[CONNECTIONS_MAX];

        must(n <= CONNECTIONS_MAX, "too many connections");
        for (size_t i = 0; i < n; i++) {
                connections[i] = open_as(argv[0]);
                for (int calls = atoi(argv[2]); calls > 0; calls--)
                        call_converge(connections[i], bytes);
        }
        puts("sent");
        while (!is_over) {
                const struct timespec pause = {.tv_nsec = 10000000};

                for (size_t i = 0; i < n; i++)
                        while (sd_bus_process(connections[i], NULL) > 0)
                                ;
                nanosleep(&pause, NULL);
        }
        return 0;
}

static int print_member(sd_bus_message *message, void *userdata UNUSED,
                        sd_bus_error *error UNUSED) {
        const char *member = sd_bus_message_get_member(message);

        if (!sd_bus_message_is_method_call(message, NULL, NULL))
                return 0;
        puts(member);
        return 1;
}

static int be_silent(char **argv) {
        sd_bus *bus = open_as("0");
        int r = 0;

        must(sd_bus_add_filter(bus, NULL, print_member, NULL) >= 0, "no filter");
        must(sd_bus_request_name(bus, argv[0], 0) >= 0, "no name");
        puts("silent");
        while (!is_over && r >= 0) {
                while ((r = sd_bus_process(bus, NULL)) > 0)
                        ;
                if (r >= 0)
                        sd_bus_wait(bus, UINT64_C(100) * 1000);
        }
        sd_bus_flush_close_unref(bus);
        return 0;
}

/* --- the gate, timed --- */

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static void read_file(const char *path, char *text, size_t size) {
        AUTO_FCLOSE FILE *file = fopen(path, "re");

        must(file != NULL, path);
        text[fread(text, 1, size - 1, file)] = '\0';
}

static int measure_gate(char **argv) {
        static char xml[1 << 16];
        size_t n = (size_t)atoi(argv[0]);
        AUTO_FREE uint64_t *times = calloc(n, sizeof(*times));
        sd_bus *bus = open_as("0");

        must(times != NULL && n > 0, "memory");
        read_file(argv[1], xml, sizeof(xml));
        for (size_t i = 0; i < n; i++) {
                const struct timespec pause = {.tv_nsec = 5000000};
                sd_bus_message *reply = NULL;
                uint64_t began = now_usec();

                must(sd_bus_call_method(bus, NAME, PATH, INTERFACE, "Gate", NULL, &reply, "sss",
                                        "prepare", "begin", xml) >= 0,
                     "no answer from the gate");
                times[i] = now_usec() - began;
                sd_bus_message_unref(reply);
                nanosleep(&pause, NULL);
        }
        qsort(times, n, sizeof(*times), compare);
        printf("%llu %llu %llu\n", (unsigned long long)times[n - 1],
               (unsigned long long)times[n - 1 - n / 100], (unsigned long long)times[n / 2]);
        sd_bus_flush_close_unref(bus);
        return 0;
}

int main(int argc, char **argv) {
        if (argc == 6 && streq(argv[1], "random"))
                return be_random(argv + 2);
        if (argc == 4 && streq(argv[1], "flood"))
                return flood(argv + 2);
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (argc == 6 && streq(argv[1], "hold"))
                return signal(SIGTERM, end) == SIG_ERR ? 2 : hold(argv + 2);
        if (argc == 3 && streq(argv[1], "silent"))
                return signal(SIGTERM, end) == SIG_ERR ? 2 : be_silent(argv + 2);
        if (argc == 4 && streq(argv[1], "gate"))
                return measure_gate(argv + 2);
        fprintf(stderr, "client: bad usage\n");
        return 2;
}
