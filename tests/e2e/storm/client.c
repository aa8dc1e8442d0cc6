/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * client URI SEED SECONDS FOLDER GUEST…: one of several clients of libvirt in a storm. It defines, edits, starts,
 * destroys and undefines these guests, which nobody else but xsavesd defines, so that it knows what each
 * definition has to be: FOLDER/GUEST.plain.xml or FOLDER/GUEST.asking.xml (for XSAVES). The title gets the
 * number of the edit that wrote the whole, at @WHOLE@, and the description that of the last edit, at @EDIT@,
 * which may have changed nothing but that. Before each edit, and once more when FOLDER/quiet
 * appears, it reads whether both are still there.
 *
 * It writes what happened, one line each, with times in seconds:
 *
 *      edit GUEST NUMBER KIND              done: plain, asking, or description
 *      unsure GUEST NUMBER KIND            libvirtd went away in the middle of it
 *      lost GUEST NUMBER BEGAN ENDED SEEN  the definition is another one; the call took from BEGAN to ENDED
 *      gone GUEST NUMBER BEGAN ENDED SEEN  there is none
 *      back GUEST NUMBER BEGAN ENDED SEEN  there is one, which was undefined
 *      failed GUEST CALL MESSAGE           to start or destroy it; most do, since what runs is not asked for
 *      last GUEST NUMBER                   as it is in the end; 0: undefined
 *      slow CALL BEGAN ENDED               slower than all of its kind before, or than a second
 *      calls CALL COUNT FAILED             of each kind
 *
 * What it does follows from the seed alone; when, and with what result, also from how fast the machine is.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* xsavesd says within a second or two what it brought back, unless somebody has defined that anew. */
#define LEFT_ALONE_SECONDS 4

enum call { OPEN, LIST, READ, DEFINE, DESCRIBE, START, DESTROY, UNDEFINE, N_CALLS };

static struct {
        const char *name;
        unsigned count, failed;
        double slowest;
} calls[] = {
        [OPEN] = {.name = "open"},         [LIST] = {.name = "list"},
        [READ] = {.name = "read"},         [DEFINE] = {.name = "define"},
        [DESCRIBE] = {.name = "describe"}, [START] = {.name = "start"},
        [DESTROY] = {.name = "destroy"},   [UNDEFINE] = {.name = "undefine"},
};

struct guest {
        const char *name;
        unsigned edits;      /* the last number given */
        unsigned number;     /* of the edit that is to be there; 0: undefined */
        unsigned whole;      /* of the last whole definition, the edit that made it */
        bool unsure;         /* whether the last call did what it had to */
        double began, ended; /* the last edit or undefine */
        double left_until;   /* alone */
};

static const char *uri, *folder;
static virConnectPtr connection;
static unsigned short dice[3];

static double now(void) {
        struct timespec time;

        clock_gettime(CLOCK_REALTIME, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void nap(unsigned milliseconds) {
        usleep(milliseconds * 1000);
}

static unsigned roll(unsigned sides) {
        return (unsigned)nrand48(dice) % sides;
}

static void die(const char *what) {
        fprintf(stderr, "client: %s\n", what);
        exit(1);
}

static char *format(const char *text, ...) {
        va_list arguments;
        char *ret;

        va_start(arguments, text);
        if (vasprintf(&ret, text, arguments) < 0)
                die("out of memory");
        va_end(arguments);
        return ret;
}

static bool quiet(void) {
        char *path = format("%s/quiet", folder);
        bool there = access(path, F_OK) == 0;

        free(path);
        return there;
}

/* --- calls --- */

static double called(enum call call, double began, bool done) {
        double ended = now();

        calls[call].count++;
        calls[call].failed += !done;
        if (ended - began > calls[call].slowest)
                calls[call].slowest = ended - began;
        if (ended - began >= calls[call].slowest || ended - began > 1)
                printf("slow %s %f %f\n", calls[call].name, began, ended);
        return ended;
}

static void connect_again(void) {
        if (connection)
                virConnectClose(connection);
        for (;;) {
                double began = now();

                connection = virConnectOpen(uri);
                called(OPEN, began, connection);
                if (connection)
                        return;
                nap(50);
        }
}

/* Did the last call fail because libvirtd went away? Then it is waited for. */
static bool went_away(void) {
        if (virConnectIsAlive(connection) == 1)
                return false;
        connect_again();
        return true;
}

static void list(void) {
        virDomainPtr *domains = NULL;
        double began = now();
        int n;

        n = virConnectListAllDomains(connection, &domains, 0);
        called(LIST, began, n >= 0);
        for (int i = 0; i < n; i++)
                virDomainFree(domains[i]);
        free(domains);
        if (n < 0)
                went_away();
}

static virDomainPtr find(const struct guest *guest) {
        return virDomainLookupByName(connection, guest->name);
}

static void tell_failure(const struct guest *guest, enum call call) {
        const char *message = virGetLastErrorMessage();

        printf("failed %s %s %.*s\n", guest->name, calls[call].name, (int)strcspn(message, "\n"),
               message);
}

/* Start or destroy it, whatever comes of it. */
static void change(struct guest *guest, enum call call) {
        virDomainPtr domain = find(guest);
        double began = now();
        int r;

        if (!domain) {
                went_away();
                return;
        }
        r = call == START ? virDomainCreate(domain) : virDomainDestroy(domain);
        called(call, began, r == 0);
        if (r < 0)
                tell_failure(guest, call);
        virDomainFree(domain);
        if (r < 0)
                went_away();
}

/* --- is what was done still there? --- */

struct found {
        unsigned number; /* 0: it is not defined */
        unsigned whole;
};

/* The inactive XML; or NULL, with *ret_absent where that is because there is no definition. */
static char *read_definition(const struct guest *guest, bool *ret_absent) {
        virDomainPtr domain = find(guest);
        int persistent = domain ? virDomainIsPersistent(domain) : -1;
        char *xml = NULL;

        if (persistent > 0)
                xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
        *ret_absent = !xml && (persistent == 0 || (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN));
        if (domain)
                virDomainFree(domain);
        return xml;
}

static void look(const struct guest *guest, struct found *ret) {
        double began;
        bool absent;
        char *xml;

        do {
                began = now();
                xml = read_definition(guest, &absent);
                called(READ, began, xml || absent);
        } while (!xml && !absent && (went_away() || (nap(50), true)));

        *ret = (struct found){};
        if (xml) {
                const char *title = strstr(xml, "<title>");
                const char *description = strstr(xml, "<description>");

                if (!title || sscanf(title, "<title>%u<", &ret->whole) != 1 || !description ||
                    sscanf(description, "<description>%u<", &ret->number) != 1)
                        die("the definition is nobody's");
        }
        free(xml);
}

static const char *judge(const struct guest *guest, const struct found *found) {
        if (guest->unsure || (found->number == guest->number && found->whole == guest->whole))
                return NULL;
        if (found->number == 0)
                return "gone";
        return guest->number == 0 ? "back" : "lost";
}

/* Returns whether it may be edited now. */
static bool check(struct guest *guest) {
        struct found found;
        const char *fault;

        look(guest, &found);
        fault = judge(guest, &found);
        if (fault) {
                printf("%s %s %u %f %f %f\n", fault, guest->name, guest->number, guest->began,
                       guest->ended, now());
                if (found.number != 0 && guest->number == 0)
                        guest->left_until = now() + LEFT_ALONE_SECONDS;
        }
        guest->unsure = false;
        guest->number = found.number;
        guest->whole = found.whole;
        return guest->left_until <= now();
}

/* --- edits --- */

static char *read_template(const struct guest *guest, const char *kind) {
        char *path = format("%s/%s.%s.xml", folder, guest->name, kind);
        FILE *file = fopen(path, "re");
        char *text = NULL;
        size_t size = 0;

        if (!file || getdelim(&text, &size, '\0', file) < 0)
                die(path);
        fclose(file);
        free(path);
        return text;
}

static void replace(char **text, const char *mark, const char *by) {
        char *place = strstr(*text, mark), *whole;

        if (!place)
                die("the template has not all its marks");
        *place = '\0';
        whole = format("%s%s%s", *text, by, place + strlen(mark));
        free(*text);
        *text = whole;
}

static bool define(const struct guest *guest, const char *number, bool asking) {
        char *xml = read_template(guest, asking ? "asking" : "plain");
        virDomainPtr domain;

        replace(&xml, "@WHOLE@", number);
        replace(&xml, "@EDIT@", number);
        domain = virDomainDefineXML(connection, xml);
        free(xml);
        if (domain)
                virDomainFree(domain);
        return domain;
}

static bool describe(const struct guest *guest, const char *number) {
        virDomainPtr domain = find(guest);
        int r;

        if (!domain)
                return false;
        r = virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_DESCRIPTION, number, NULL, NULL,
                                 VIR_DOMAIN_AFFECT_CONFIG);
        virDomainFree(domain);
        return r == 0;
}

/* Returns whether that is known. */
static bool was_done(struct guest *guest, unsigned number, unsigned whole, bool done) {
        if (done) {
                guest->number = number;
                guest->whole = whole;
        } else if (went_away()) {
                guest->unsure = true;
        }
        return !guest->unsure;
}

/* A whole new definition, or only another description. */
static void edit(struct guest *guest, enum call call, bool asking) {
        unsigned number = ++guest->edits;
        char *text;
        bool done, known;

        if (call == DESCRIBE && guest->number == 0)
                return;
        text = format("%u", number);
        guest->began = now();
        done = call == DEFINE ? define(guest, text, asking) : describe(guest, text);
        guest->ended = called(call, guest->began, done);
        free(text);
        known = was_done(guest, number, call == DEFINE ? number : guest->whole, done);
        if (done || !known)
                printf("%s %s %u %s\n", known ? "edit" : "unsure", guest->name, number,
                       call == DESCRIBE ? "description"
                       : asking         ? "asking"
                                        : "plain");
}

static void undefine(struct guest *guest) {
        virDomainPtr domain = find(guest);
        bool done;

        if (!domain) {
                went_away();
                return;
        }
        guest->began = now();
        done = virDomainUndefine(domain) == 0;
        guest->ended = called(UNDEFINE, guest->began, done);
        virDomainFree(domain);
        was_done(guest, 0, 0, done);
}

/* --- the storm --- */

/* Right after another, an edit meets the re-definition that the one before it called for. `looks`: before each,
 * was the one before it lost? */
static void edit_often(struct guest *guest, unsigned times, unsigned kinds, unsigned words,
                       bool looks) {
        bool may = guest->left_until <= now() && check(guest);

        for (unsigned i = 0; i < times && may; i++) {
                edit(guest, kinds >> i & 1 ? DESCRIBE : DEFINE, words >> i & 1);
                may = looks ? check(guest) : !guest->unsure;
        }
}

static void step(struct guest *guests, unsigned n_guests) {
        struct guest *guest = &guests[roll(n_guests)];
        /* Always as many, so that what comes next is the same whatever came of this. */
        unsigned kind = roll(100), times = 1 + roll(4), kinds = roll(16);
        unsigned words = roll(16), looks = roll(2), pause = roll(80);

        if (kind < 45)
                edit_often(guest, times, kinds, words, looks);
        else if (kind < 65)
                change(guest, START);
        else if (kind < 80)
                change(guest, DESTROY);
        else if (kind < 90)
                list();
        else if (guest->left_until <= now() && guest->number != 0 && check(guest))
                undefine(guest);
        nap(pause < 20 ? 0 : pause);
}

static void check_in_the_end(struct guest *guests, unsigned n) {
        while (!quiet())
                nap(100);
        for (unsigned i = 0; i < n; i++) {
                check(&guests[i]);
                printf("last %s %u\n", guests[i].name, guests[i].number);
        }
        for (unsigned i = 0; i < N_CALLS; i++)
                printf("calls %s %u %u\n", calls[i].name, calls[i].count, calls[i].failed);
}

static void say_nothing(void *userdata, virErrorPtr error) {
        (void)userdata;
        (void)error;
}

int main(int argc, char **argv) {
        unsigned n = argc > 5 ? (unsigned)argc - 5 : 0;
        struct guest *guests = n > 0 ? calloc(n, sizeof(*guests)) : NULL;
        unsigned long seed;
        double end;

        if (!guests)
                die("usage: client URI SEED SECONDS FOLDER GUEST...");
        uri = argv[1];
        seed = strtoul(argv[2], NULL, 10);
        end = now() + strtod(argv[3], NULL);
        folder = argv[4];
        for (unsigned i = 0; i < n; i++)
                guests[i].name = argv[5 + i];
        dice[0] = (unsigned short)seed;
        dice[1] = (unsigned short)(seed >> 16);
        /* A connection that the other side has closed is still written to at its end. */
        signal(SIGPIPE, SIG_IGN);
        setvbuf(stdout, NULL, _IOLBF, 0);
        virSetErrorFunc(NULL, say_nothing);

        connect_again();
        while (now() < end)
                step(guests, n);
        check_in_the_end(guests, n);
        virConnectClose(connection);
        free(guests);
        return 0;
}
