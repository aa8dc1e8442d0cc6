/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "polkit.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#include "core/util.h"
#include "log.h"

/* CheckAuthorizationFlags of polkit's D-Bus interface. */
#define POLKIT_ALLOW_USER_INTERACTION 1u
/* Strangers must not pile up questions in the daemon, nor what they ask about: this is room for thousands of guests. */
#define QUESTIONS_MAX 64
#define SENDER_BYTES_MAX ((size_t)256 << 10)

#define POLKIT                                                                                     \
        "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",                     \
                "org.freedesktop.PolicyKit1.Authority"

struct question {
        sd_bus_message *call;
        size_t bytes; /* of its arguments */
        sd_bus_slot *slot;
        char id[16]; /* to cancel it by */
        polkit_continuation granted;
        void *userdata;
        TAILQ_ENTRY(question) in_questions;
};

static TAILQ_HEAD(, question) questions = TAILQ_HEAD_INITIALIZER(questions);
static unsigned n_questions, last_id;

static void question_free(struct question *question) {
        TAILQ_REMOVE(&questions, question, in_questions);
        n_questions--;
        sd_bus_slot_unref(question->slot);
        sd_bus_message_unref(question->call);
        free(question);
}
DEFINE_CLEANUP(struct question *, question_free);

static void creds_unref_p(sd_bus_creds **creds) {
        sd_bus_creds_unref(*creds);
}

/*
 * Who the last senders are. To ask the bus takes a round trip, for which everything else waits: somebody who sends call
 * after call must not have it taken for each of them. A bus gives no unique name twice (D-Bus specification, "Unique
 * Connection Name"); another bus does.
 */
#define SENDERS_MAX 16
#define SENDER_SIZE 64

static struct sender {
        char name[SENDER_SIZE];
        uid_t uid;
} senders[SENDERS_MAX];
static unsigned next_sender;

static int ask_uid(sd_bus_message *call, uid_t *ret) {
        CLEANUP(creds_unref_p) sd_bus_creds *creds = NULL;
        int r;

        r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
        return r < 0 ? r : sd_bus_creds_get_euid(creds, ret);
}

int sender_is_root(sd_bus_message *call) {
        const char *name = sd_bus_message_get_sender(call);
        uid_t uid;
        int r;

        for (size_t i = 0; name && i < SENDERS_MAX; i++)
                if (streq(senders[i].name, name))
                        return senders[i].uid == 0;
        r = ask_uid(call, &uid);
        if (r < 0)
                return r;
        if (name && name[0] == ':' && strlen(name) < SENDER_SIZE) {
                struct sender *sender = &senders[next_sender++ % SENDERS_MAX];

                strcpy(sender->name, name);
                sender->uid = uid;
        }
        return uid == 0;
}

/*
 * Add the bytes that the next arguments (texts, their arrays, and what is small) take, more or less as they are
 * on the wire: sd-bus does not tell how large a message is. Once there are more than a sender may have, no more
 * are counted. Returns 0 or a negative errno.
 */
static int add_bytes(sd_bus_message *message, size_t *bytes) {
        const char *contents, *text;
        char type;
        int r;

        while ((r = sd_bus_message_peek_type(message, &type, &contents)) > 0) {
                if (*bytes > SENDER_BYTES_MAX)
                        return 0;
                *bytes += sizeof(uint64_t);
                if (type == SD_BUS_TYPE_STRING) {
                        r = sd_bus_message_read_basic(message, type, &text);
                        if (r >= 0)
                                *bytes += strlen(text);
                } else if (type == SD_BUS_TYPE_ARRAY) {
                        r = sd_bus_message_enter_container(message, type, contents);
                        if (r >= 0)
                                r = add_bytes(message, bytes);
                        if (r >= 0 && *bytes <= SENDER_BYTES_MAX)
                                r = sd_bus_message_exit_container(message);
                } else {
                        r = sd_bus_message_skip(message, NULL);
                }
                if (r < 0)
                        return r;
        }
        return r;
}

static bool is_from(sd_bus_message *call, const char *name) {
        return streq_null(sd_bus_message_get_sender(call), name);
}

/* Would the sender have more waiting here than it may? */
static int is_too_much(sd_bus_message *call, size_t *ret_bytes) {
        const char *sender = sd_bus_message_get_sender(call);
        struct question *question;
        size_t waiting = 0;
        int r;

        *ret_bytes = 0;
        r = add_bytes(call, ret_bytes);
        if (r >= 0)
                r = sd_bus_message_rewind(call, true);
        if (r < 0)
                return r;
        TAILQ_FOREACH(question, &questions, in_questions) {
                if (is_from(question->call, sender))
                        waiting += question->bytes;
        }
        return waiting + *ret_bytes > SENDER_BYTES_MAX;
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error UNUSED) {
        CLEANUP(question_free_p) struct question *question = userdata;
        int authorized = false, challenge, r;

        if (sd_bus_message_is_method_error(answer, NULL))
                log_debug("polkit: %s", sd_bus_message_get_error(answer)->message);
        else if (sd_bus_message_enter_container(answer, 'r', "bba{ss}") < 0 ||
                 sd_bus_message_read(answer, "bb", &authorized, &challenge) < 0)
                authorized = false;

        if (!authorized)
                return sd_bus_reply_method_errorf(question->call, SD_BUS_ERROR_ACCESS_DENIED,
                                                  "Not authorized: this takes root or polkit's %s",
                                                  POLKIT_ACTION_MANAGE);
        r = question->granted(question->call, question->userdata);
        return r < 0 ? sd_bus_reply_method_errno(question->call, r, NULL) : 0;
}

static int ask(struct question *question, const char *action) {
        sd_bus_message *call = question->call;
        bool interactive = sd_bus_message_get_allow_interactive_authorization(call) > 0;

        snprintf(question->id, sizeof(question->id), "%u", ++last_id);
        return sd_bus_call_method_async(
                sd_bus_message_get_bus(call), &question->slot, POLKIT, "CheckAuthorization",
                on_answer, question, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                sd_bus_message_get_sender(call), action, 0,
                interactive ? POLKIT_ALLOW_USER_INTERACTION : 0, question->id);
}

/* polkit may be asking a person, whose answer nobody waits for any more. */
static void cancel(struct question *question) {
        sd_bus *bus = sd_bus_message_get_bus(question->call);
        sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, POLKIT, "CancelCheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", question->id);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(call, false);
        if (r >= 0)
                r = sd_bus_send(bus, call, NULL);
        if (r < 0)
                log_debug("Cannot tell polkit that nobody waits: %s", strerror(-r));
        sd_bus_message_unref(call);
        question_free(question);
}

void polkit_forget_sender(const char *name) {
        struct question *question = TAILQ_FIRST(&questions);

        while (question) {
                struct question *next = TAILQ_NEXT(question, in_questions);

                if (is_from(question->call, name))
                        cancel(question);
                question = next;
        }
}

void polkit_forget_all(void) {
        memset(senders, 0, sizeof(senders));
        while (!TAILQ_EMPTY(&questions))
                question_free(TAILQ_FIRST(&questions));
}

int polkit_check(sd_bus_message *call, const char *action, polkit_continuation granted,
                 void *userdata, sd_bus_error *error) {
        CLEANUP(question_free_p) struct question *question = NULL;
        size_t bytes;
        int r;

        if (sender_is_root(call) > 0)
                return granted(call, userdata);
        r = is_too_much(call, &bytes);
        if (r < 0)
                return r;
        if (r > 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                         "More than %zu KiB of one caller would wait for "
                                         "authorization",
                                         SENDER_BYTES_MAX / 1024);
        if (n_questions >= QUESTIONS_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                        "Too many requests wait for authorization");

        question = calloc(1, sizeof(*question));
        if (!question)
                return -ENOMEM;
        TAILQ_INSERT_TAIL(&questions, question, in_questions);
        n_questions++;
        question->call = sd_bus_message_ref(call);
        question->bytes = bytes;
        question->granted = granted;
        question->userdata = userdata;
        r = ask(question, action);
        if (r < 0)
                return r;
        question = NULL; /* on_answer() has it now */
        return 1;
}
