/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gatekeeper.h"

#include <errno.h>
#include <string.h>

/* libvirt calls `prepare` and `start` right after an incoming guest's own hook (qemuProcessLaunch()). */
#define INCOMING_USEC (120ull * 1000 * 1000)

struct incoming {
        char uuid[37];
        uint64_t until;
};

struct gatekeeper {
        struct incoming *incoming; /* few at a time: no order, searched one by one */
        size_t n_incoming;
        stored_grant_finder find_grant;
        void *userdata;
};

int gatekeeper_new(stored_grant_finder find_grant, void *userdata, struct gatekeeper **ret) {
        struct gatekeeper *gatekeeper = calloc(1, sizeof(*gatekeeper));

        if (!gatekeeper)
                return -ENOMEM;
        gatekeeper->find_grant = find_grant;
        gatekeeper->userdata = userdata;
        *ret = gatekeeper;
        return 0;
}

struct gatekeeper *gatekeeper_free(struct gatekeeper *gatekeeper) {
        if (gatekeeper)
                free(gatekeeper->incoming);
        free(gatekeeper);
        return NULL;
}

static void drop(struct gatekeeper *gatekeeper, size_t i) {
        gatekeeper->incoming[i] = gatekeeper->incoming[--gatekeeper->n_incoming];
}

static void drop_expired(struct gatekeeper *gatekeeper, uint64_t now) {
        for (size_t i = gatekeeper->n_incoming; i-- > 0;)
                if (gatekeeper->incoming[i].until <= now)
                        drop(gatekeeper, i);
}

static struct incoming *find(struct gatekeeper *gatekeeper, const char *uuid) {
        for (size_t i = 0; uuid && i < gatekeeper->n_incoming; i++)
                if (streq(gatekeeper->incoming[i].uuid, uuid))
                        return &gatekeeper->incoming[i];
        return NULL;
}

static int remember(struct gatekeeper *gatekeeper, const char *uuid, uint64_t now) {
        struct incoming *incoming = find(gatekeeper, uuid);
        int r;

        if (!incoming) {
                r = array_grow(&gatekeeper->incoming, gatekeeper->n_incoming, sizeof(*incoming));
                if (r < 0)
                        return r;
                incoming = &gatekeeper->incoming[gatekeeper->n_incoming++];
                snprintf(incoming->uuid, sizeof(incoming->uuid), "%s", uuid);
        }
        incoming->until = now + INCOMING_USEC;
        return 0;
}

static void forget(struct gatekeeper *gatekeeper, const char *uuid) {
        struct incoming *incoming = find(gatekeeper, uuid);

        if (incoming)
                drop(gatekeeper, (size_t)(incoming - gatekeeper->incoming));
}

/* Of a start that was judged as a cold one. */
static enum start_kind kind_of(struct gatekeeper *gatekeeper, const struct gate_answer *answer) {
        const char *uuid = answer->guest.uuid;

        if (find(gatekeeper, uuid))
                return START_INCOMING;
        if (uuid && answer->misses_grant && !answer->accept &&
            gatekeeper->find_grant(uuid, gatekeeper->userdata) == answer->decision.means)
                return START_OF_GRANTED;
        return START_COLD;
}

static int judge(struct gatekeeper *gatekeeper, const struct judge *judge,
                 enum gate_operation operation, const char *xml, size_t length,
                 struct gate_answer *ret, char **ret_reason) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        enum start_kind kind = START_COLD;
        int r;

        /* Whose start this is stands in the XML: judged as a cold one first, the stricter way. */
        r = gate_judge(judge, operation, kind, xml, length, &answer, ret_reason);
        if (r != 0)
                return r;
        if (operation == GATE_PREPARE || operation == GATE_START)
                kind = kind_of(gatekeeper, &answer);
        if (kind != START_COLD) {
                gate_answer_clear(&answer);
                r = gate_judge(judge, operation, kind, xml, length, &answer, ret_reason);
                if (r != 0)
                        return r;
        }
        *ret = answer;
        answer = (struct gate_answer){};
        return 0;
}

int gatekeeper_ask(struct gatekeeper *gatekeeper, const struct judge *with,
                   enum gate_operation operation, const char *xml, size_t length, uint64_t now,
                   struct gate_answer *ret, char **ret_reason) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        int r;

        drop_expired(gatekeeper, now);
        r = judge(gatekeeper, with, operation, xml, length, &answer, ret_reason);
        if (r != 0)
                return r;

        if (operation == GATE_MIGRATE || operation == GATE_RESTORE) {
                if (answer.accept && answer.guest.uuid)
                        r = remember(gatekeeper, answer.guest.uuid, now);
        } else if (operation == GATE_START || operation == GATE_STARTED || !answer.accept) {
                forget(gatekeeper, answer.guest.uuid);
        }
        if (r < 0)
                return r;

        *ret = answer;
        answer = (struct gate_answer){};
        return 0;
}
