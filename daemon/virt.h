/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The libvirt thread: owns the connection, hears of every change to a domain, and re-defines persistent
 * domains so that they say what the ruleset in force decides. No other file includes libvirt.
 *
 * Everything here may block in libvirt for as long as a hook of somebody else runs; nothing here is
 * ever waited for by the main loop. The two meet in one queue each way: the functions below only post
 * to the thread, and what it has to say comes out of virt_dispatch().
 */

#include "ruleset.h"

struct virt;

enum definition_state {
        DEFINITION_TRANSIENT, /* no persistent definition */
        DEFINITION_CONVERGED, /* says what the policy decides */
        DEFINITION_PENDING,   /* does not yet, or the policy does not enforce */
        DEFINITION_FAILED,    /* libvirt refused the re-definition, or it cannot be judged */
};

const char *definition_state_to_string(enum definition_state state);

/* One domain, as last seen. Strings are owned by the struct. */
struct virt_guest {
        char uuid[37];
        char *name;
        bool active;
        bool autostart;
        enum definition_state definition;
        char *error; /* libvirt's words, or the core's; NULL: none */
        struct guest
                facts; /* as its owner wrote it: for explanations without libvirt; owned here too; none where it is unjudged */
        enum verdict verdict;
        enum means means;
        enum reason reason;
        char *guest_rule, *host_rule; /* NULL: none matched */
        uint64_t policy_generation;   /* the one that decided */
        bool next_xsaves;             /* what its next start would see that the gate lets pass */
        bool hides_xsavec;            /* decided: it is not to see XSAVEC */
        bool next_xsavec;
        enum tristate runs_xsaves,
                runs_xsavec; /* what its live XML says that it sees now; unknown when not active */
};

/* What converging did, or in a dry run would do, to one domain. */
struct virt_change {
        char uuid[37];
        char *name;
        bool decided; /* false: the domain could not be read, and the three below say nothing */
        enum verdict verdict;
        enum means means;
        enum reason reason;
        bool changed;
        char *before,
                *after; /* inactive XML without secrets; where it changes, `before` in any dry run */
        char *error;    /* NULL: none */
};

/* Called from virt_dispatch(), in the thread that calls that. Arguments are borrowed for the call. */
struct virt_handlers {
        /* The connection stands. The main loop answers with virt_set_ruleset(), which starts a full pass.
         * `host_model` is what libvirt expands host-model to for KVM x86_64 guests; NULL: unknown. */
        void (*connected)(const char *host_model, void *userdata);
        void (*disconnected)(const char *error, void *userdata);
        void (*guest)(const struct virt_guest *guest, void *userdata);
        /* Somebody else changed its definition: what was said of it is old. Said before it is looked at again. */
        void (*edited)(const char *uuid, void *userdata);
        void (*gone)(const char *uuid, void *userdata);
        /* After a full pass: guests that were not named in it are gone. */
        void (*pass_finished)(uint64_t policy_generation, size_t n_domains, size_t n_changed,
                              size_t n_failed, void *userdata);
        /* The answer to virt_converge() or virt_revert() number `request`. `error`: nothing was done; NULL: none. */
        void (*converged)(uint64_t request, const struct virt_change *changes, size_t n_changes,
                          const char *error, void *userdata);
};

/* Start the thread; it connects to `uri` and goes on trying (1 s, doubling to 30 s). What it leaves for its
 * successor, in case it is killed, is in `runtime_folder`; NULL: nothing. Returns 0 or a negative errno. */
int virt_new(const char *uri, const char *runtime_folder, const struct virt_handlers *handlers,
             void *userdata, struct virt **ret);

/* Ask the thread to stop, and wait for it for at most a second: it may hang in libvirt, and the process is
 * about to end. Accepts NULL; returns NULL. */
struct virt *virt_free(struct virt *virt);
DEFINE_CLEANUP(struct virt *, virt_free);
#define AUTO_VIRT CLEANUP(virt_free_p)

/* Could the thread not begin? Told by virt_fd(); nothing else comes from it then. */
bool virt_failed(const struct virt *virt);

/* Readable when virt_dispatch() has something to do. */
int virt_fd(const struct virt *virt);
/* Call the handlers for what the thread has said so far: a few hundred times at most. */
void virt_dispatch(struct virt *virt);
/* ... for all of it. */
void virt_dispatch_all(struct virt *virt);
/* Ask the thread for a sign of life. */
void virt_poke(struct virt *virt);
/* Monotonic time, in microseconds, of the thread's last sign of life: it gives one when it is poked and
 * whenever it works, but none while it waits in libvirt. */
uint64_t virt_last_alive(const struct virt *virt);

/* Each of these posts to the thread and returns 0 or -ENOMEM. */

/* Decide by this ruleset from now on, and converge every domain again (a full pass). */
int virt_set_ruleset(struct virt *virt, struct ruleset *ruleset);
/* Converge one domain soon: its start was judged, and its definition has drifted. */
int virt_attend(struct virt *virt, const char *uuid);
/* Its start was refused for drift while there was no connection. Once there is one, and its definition is in line: start
 * it, if it is to start with the host and is still off. */
int virt_autostart(struct virt *virt, const char *uuid);
/* Converge these domains (names or UUIDs; NULL: all) and report each; with dry_run, change nothing. */
int virt_converge(struct virt *virt, uint64_t request, bool dry_run, char *const *guests);
/* Take back what was done to these domains (NULL: all); they stay so until they or the ruleset change. */
int virt_revert(struct virt *virt, uint64_t request, char *const *guests);
