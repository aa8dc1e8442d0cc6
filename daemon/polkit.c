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

int sender_is_root(sd_bus_message *call) {
        CLEANUP(creds_unref_p) sd_bus_creds *creds = NULL;
        uid_t uid;
        int r;

        r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, &uid);
        return r < 0 ? r : uid == 0;
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
