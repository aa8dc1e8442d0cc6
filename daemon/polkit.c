/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "polkit.h"

#include <errno.h>
#include <string.h>

#include "core/util.h"
#include "log.h"

/* polkit may ask a person for a password meanwhile. */
#define POLKIT_TIMEOUT_USEC (120ull * 1000 * 1000)
/* CheckAuthorizationFlags of polkit's D-Bus interface. */
#define POLKIT_ALLOW_USER_INTERACTION 1u
/* Strangers must not pile up questions in the daemon. */
#define QUESTIONS_MAX 64

struct question {
        sd_bus_message *call;
        polkit_continuation granted;
        void *userdata;
};

static unsigned n_questions;

static void question_free(struct question *question) {
        sd_bus_message_unref(question->call);
        free(question);
        n_questions--;
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

void polkit_forget_senders(void) {
        memset(senders, 0, sizeof(senders));
}

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

        return sd_bus_call_method_async(
                sd_bus_message_get_bus(call), NULL, "org.freedesktop.PolicyKit1",
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization", on_answer, question, "(sa{sv})sa{ss}us", "system-bus-name", 1,
                "name", "s", sd_bus_message_get_sender(call), action, 0,
                interactive ? POLKIT_ALLOW_USER_INTERACTION : 0, "");
}

int polkit_check(sd_bus_message *call, const char *action, polkit_continuation granted,
                 void *userdata, sd_bus_error *error) {
        CLEANUP(question_free_p) struct question *question = NULL;
        int r;

        if (sender_is_root(call) > 0)
                return granted(call, userdata);
        if (n_questions >= QUESTIONS_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                        "Too many requests wait for authorization");

        question = calloc(1, sizeof(*question));
        if (!question)
                return -ENOMEM;
        n_questions++;
        question->call = sd_bus_message_ref(call);
        question->granted = granted;
        question->userdata = userdata;
        r = ask(question, action);
        if (r < 0)
                return r;
        question = NULL; /* on_answer() has it now */
        return 1;
}
