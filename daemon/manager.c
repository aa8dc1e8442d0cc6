/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "cpu_map_load.h"
#include "log.h"
#include "read_file.h"

#define FACTS_SIZE_MAX (1u << 20)

struct converge_waiter {
        uint64_t request;
        converge_callback callback;
        void *userdata; /* NULL callback: forgotten */
        struct converge_waiter *next;
};

static uint64_t now_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- the ruleset in force --- */

/* Takes the ruleset over, also on failure. */
static int put_in_force(struct manager *manager, struct ruleset *ruleset) {
        ruleset_unref(manager->ruleset);
        manager->ruleset = ruleset;
        return manager->virt ? virt_set_ruleset(manager->virt, ruleset) : 0;
}

/* Put `policy` (taken over) in force on the host's facts as they are now. */
static int put_policy_in_force(struct manager *manager, struct policy *policy) {
        uint64_t generation = manager->ruleset ? manager->ruleset->policy_generation : 0;
        struct host_facts *host;
        struct ruleset *ruleset;
        int r;

        r = host_facts_copy(manager->host, &host);
        if (r < 0) {
                policy_free(policy);
                return r;
        }
        r = ruleset_new(policy, host, manager->map, generation + 1, &ruleset);
        return r < 0 ? r : put_in_force(manager, ruleset);
}

/* The same policy, now that more is known of the host. */
static int put_host_in_force(struct manager *manager) {
        struct host_facts *host;
        struct ruleset *ruleset;
        int r;

        r = host_facts_copy(manager->host, &host);
        if (r >= 0)
                r = ruleset_new_with_host(manager->ruleset, host, &ruleset);
        return r < 0 ? r : put_in_force(manager, ruleset);
}

static void log_policy(const struct manager *manager, bool loaded) {
        const char *error = policy_store_error(manager->store);
        const char *warnings = policy_store_warnings(manager->store);
        AUTO_FREE char *generation = NULL;

        if (format_to(&generation, "%llu",
                      manager->ruleset ? (unsigned long long)manager->ruleset->policy_generation
                                       : 0) < 0)
                return;
        const struct log_field fields[] = {{"XSAVESD_POLICY_GENERATION", generation}, {}};

        if (*warnings)
                log_entry(LOG_WARNING, NULL, fields, "%s", warnings);
        if (loaded)
                log_entry(LOG_INFO, LOG_ID_POLICY_LOADED, fields, "Policy %s is in force, from %s",
                          generation, policy_store_folder(manager->store));
        else
                log_entry(LOG_ERR, LOG_ID_POLICY_REFUSED, fields,
                          "Policy refused, %s stays in force: %s",
                          manager->ruleset ? "the last good one" : "the built-in one", error);
}

/* --- the host, again --- */

/*
 * Its name may be set after our start, its machine ID too, and KVM's module may come after us, or be loaded again with
 * other parameters. `all`: see probe_host_again().
 */
static int look_at_host(struct manager *manager, bool all) {
        struct host_facts *before = manager->host, *facts;
        AUTO_FREE char *changes = NULL;
        int r;

        if (manager->host_is_file)
                return 0;
        r = probe_host_again(NULL, all, &manager->stamp, manager->host, &facts, &changes);
        if (r <= 0)
                return r;
        manager->host = facts;
        /* At the start, the first policy is yet to be put in force. */
        r = manager->ruleset ? put_host_in_force(manager) : 0;
        if (r < 0) {
                /* It is seen once more. */
                manager->host = before;
                manager->stamp = (struct probe_stamp){};
                host_facts_free(facts);
                return r;
        }
        host_facts_free(before);
        log_notice("This host has changed: %s", changes);
        if (manager->on_host)
                manager->on_host(manager->userdata);
        return 0;
}

static void on_host_change(void *userdata) {
        if (look_at_host(userdata, false) < 0)
                log_error("Out of memory, the host is taken as it was");
}

/* --- loading the policy --- */

/* One edit may be seen twice, by the watch and at a reload that somebody asks for; and a file may be written again
 * as it was. Neither makes another policy, for which every guest would be gone over. */
int manager_reload(struct manager *manager) {
        AUTO_POLICY struct policy *policy = NULL;
        int r, result;

        /* At the start it was only just probed. */
        r = look_at_host(manager, manager->ruleset != NULL);
        if (r < 0)
                return r;
        result = policy_store_load(manager->store, &policy);
        if (result < 0)
                return result;
        if (!policy_store_has_news(manager->store)) {
                log_debug("Nothing has changed in %s", policy_store_folder(manager->store));
                return result;
        }
        if (result == 0 && !policy_store_is_in_force(manager->store)) {
                r = put_policy_in_force(manager, STEAL(policy));
                if (r >= 0)
                        r = policy_store_set_in_force(manager->store);
                if (r < 0)
                        return r;
        }
        log_policy(manager, result == 0);
        if (manager->on_policy)
                manager->on_policy(manager->userdata);
        return result;
}

static void on_policy_files(void *userdata) {
        struct manager *manager = userdata;
        int r;

        r = manager_reload(manager);
        if (r < 0)
                log_error("Cannot reload the policy: %s", strerror(-r));
}

/* At the start there is no last good policy: a bad one leaves the built-in one in force. */
static int load_first_policy(struct manager *manager) {
        int r;

        r = manager_reload(manager);
        if (r <= 0)
                return r;
        return put_policy_in_force(manager, policy_new_builtin());
}

/* --- the host --- */

static int read_facts_file(const char *path, struct host_facts **ret) {
        CLEANUP(problems_clear) struct problems problems = {};
        AUTO_FREE char *text = NULL, *errors = NULL;
        size_t length;
        int r;

        r = read_file(path, FACTS_SIZE_MAX, &text, &length);
        if (r < 0) {
                log_error("Cannot read the host's facts from %s: %s", path, strerror(-r));
                return r;
        }
        r = host_facts_parse(path, text, length, &problems, ret);
        if (r <= 0)
                return r;
        errors = problems_format(&problems, SEVERITY_ERROR);
        log_error("%s", errors);
        return -EINVAL;
}

static int find_host(struct manager *manager, const char *facts_file) {
        AUTO_FREE char *missing = NULL;
        int r;

        r = cpu_map_load(NULL, &manager->map, &missing);
        if (r > 0)
                log_warning("libvirt's CPU map is not whole, so that CPU models may not be known "
                            "to show "
                            "this host's family and model: %s",
                            missing);
        else if (r < 0)
                return r;

        manager->host_is_file = facts_file != NULL;
        return facts_file ? read_facts_file(facts_file, &manager->host)
                          : probe_host(NULL, &manager->host);
}

/* --- the libvirt thread's words --- */

static int learn_host_model(struct manager *manager, const char *host_model) {
        char *copy;
        int r;

        r = strdup_to(&copy, host_model);
        if (r < 0)
                return r;
        free(manager->host->host_model);
        manager->host->host_model = copy;
        return put_host_in_force(manager);
}

static void on_connected(const char *host_model, void *userdata) {
        struct manager *manager = userdata;
        int r;

        log_info("Connected to libvirt");
        manager->libvirt_connected = true;
        guests_begin_anew(manager->guests);
        free(STEAL(manager->libvirt_error));
        on_host_change(manager);

        if (host_model && !manager->host_is_file &&
            !streq_null(manager->host->host_model, host_model))
                r = learn_host_model(manager, host_model);
        else
                r = virt_set_ruleset(manager->virt, manager->ruleset);
        if (r < 0)
                log_error("Cannot bring the guests in line: %s", strerror(-r));
        if (manager->on_libvirt)
                manager->on_libvirt(manager->userdata);
}

static void on_disconnected(const char *error, void *userdata) {
        struct manager *manager = userdata;
        char *copy;

        if (manager->libvirt_connected || !manager->libvirt_error)
                log_warning("No connection to libvirt: %s", error);
        manager->libvirt_connected = false;
        if (strdup_to(&copy, error) >= 0) {
                free(manager->libvirt_error);
                manager->libvirt_error = copy;
        }
        if (manager->on_libvirt)
                manager->on_libvirt(manager->userdata);
}

static void on_guest(const struct virt_guest *guest, void *userdata) {
        struct manager *manager = userdata;

        if (guests_see(manager->guests, guest) < 0)
                log_error("Out of memory, guest %s is not listed", guest->name);
}

static void on_edited(const char *uuid, void *userdata) {
        struct manager *manager = userdata;

        guests_edited(manager->guests, uuid);
}

static void on_gone(const char *uuid, void *userdata) {
        struct manager *manager = userdata;

        guests_remove(manager->guests, uuid);
}

static void on_pass_finished(uint64_t generation, size_t n_domains, size_t n_changed,
                             size_t n_failed, void *userdata) {
        struct manager *manager = userdata;

        guests_end_pass(manager->guests);
        log_entry(n_failed ? LOG_WARNING : LOG_INFO, NULL, NULL,
                  "%zu guests are in line with policy %llu: %zu re-defined, %zu failed", n_domains,
                  (unsigned long long)generation, n_changed, n_failed);
}

static void on_converged(uint64_t request, const struct virt_change *changes, size_t n_changes,
                         const char *error, void *userdata) {
        struct manager *manager = userdata;

        for (struct converge_waiter **link = &manager->waiters; *link; link = &(*link)->next) {
                struct converge_waiter *waiter = *link;

                if (waiter->request != request)
                        continue;
                *link = waiter->next;
                waiter->callback(changes, n_changes, error, waiter->userdata);
                free(waiter);
                return;
        }
}

static const struct virt_handlers virt_handlers = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .guest = on_guest,
        .edited = on_edited,
        .gone = on_gone,
        .pass_finished = on_pass_finished,
        .converged = on_converged,
};

static int on_virt_fd(sd_event_source *source UNUSED, int fd UNUSED, uint32_t revents UNUSED,
                      void *userdata) {
        struct manager *manager = userdata;

        virt_dispatch(manager->virt);
        /* systemd starts it again. */
        return virt_failed(manager->virt) ? sd_event_exit(manager->event, -EIO) : 0;
}

/* --- asking the libvirt thread --- */

static int add_waiter(struct manager *manager, converge_callback callback, void *userdata) {
        struct converge_waiter *waiter = calloc(1, sizeof(*waiter));

        if (!waiter)
                return -ENOMEM;
        *waiter = (struct converge_waiter){
                .request = ++manager->last_request,
                .callback = callback,
                .userdata = userdata,
                .next = manager->waiters,
        };
        manager->waiters = waiter;
        return 0;
}

static void end_waiting(struct manager *manager, const char *error) {
        while (manager->waiters) {
                struct converge_waiter *waiter = manager->waiters;

                manager->waiters = waiter->next;
                waiter->callback(NULL, 0, error, waiter->userdata);
                free(waiter);
        }
}

static void drop_newest_waiter(struct manager *manager) {
        struct converge_waiter *waiter = manager->waiters;

        manager->waiters = waiter->next;
        free(waiter);
}

int manager_converge(struct manager *manager, bool dry_run, char *const *guests,
                     converge_callback callback, void *userdata) {
        int r;

        r = add_waiter(manager, callback, userdata);
        if (r < 0)
                return r;
        r = virt_converge(manager->virt, manager->last_request, dry_run, guests);
        if (r < 0)
                drop_newest_waiter(manager);
        return r;
}

int manager_revert(struct manager *manager, char *const *guests, converge_callback callback,
                   void *userdata) {
        int r;

        r = add_waiter(manager, callback, userdata);
        if (r < 0)
                return r;
        r = virt_revert(manager->virt, manager->last_request, guests);
        if (r < 0)
                drop_newest_waiter(manager);
        return r;
}

/* --- the gate --- */

/* A stored_grant_finder. */
static enum means find_stored_grant(const char *uuid, void *userdata) {
        struct manager *manager = userdata;
        const struct guest_entry *entry = guests_find(manager->guests, uuid);

        if (!entry || !manager->libvirt_connected)
                return MEANS_NONE;
        return guest_entry_stored_grant(entry, manager->ruleset->policy_generation);
}

static void log_answer(const struct manager *manager, enum gate_operation operation,
                       const struct gate_answer *answer) {
        const struct decision *decision = &answer->decision;
        const char *name = guest_name(&answer->guest);
        AUTO_FREE char *generation = NULL;

        if (format_to(&generation, "%llu",
                      (unsigned long long)manager->ruleset->policy_generation) < 0)
                return;
        const struct log_field fields[] = {
                {"XSAVESD_GUEST", name},
                {"XSAVESD_UUID", answer->guest.uuid},
                {"XSAVESD_OPERATION", gate_operation_to_string(operation)},
                {"XSAVESD_VERDICT", verdict_to_string(decision->verdict)},
                {"XSAVESD_REASON", reason_to_string(decision->reason)},
                {"XSAVESD_RULE", decision->guest_rule ? decision->guest_rule->name : NULL},
                {"XSAVESD_POLICY_GENERATION", generation},
                {},
        };

        if (*answer->message)
                log_entry(answer->accept && decision->verdict != VERDICT_UNJUDGED ? LOG_NOTICE
                                                                                  : LOG_WARNING,
                          LOG_ID_DECISION, fields, "%s: %s: %s",
                          gate_operation_to_string(operation),
                          answer->accept ? "accepted" : "refused", answer->message);
        else
                log_entry(LOG_INFO, LOG_ID_DECISION, fields, "%s: domain '%s': %s: %s",
                          gate_operation_to_string(operation), name,
                          verdict_to_string(decision->verdict), reason_to_string(decision->reason));
}

static void act_on_answer(struct manager *manager, enum gate_operation operation,
                          const struct gate_answer *answer) {
        int r = 0;

        if (!answer->guest.uuid)
                return;
        if (operation == GATE_STARTED)
                r = guests_started(manager->guests, answer->guest.uuid, answer->has_xsaves);
        else if (answer->misses_grant && !answer->accept && !manager->libvirt_connected)
                r = virt_autostart(manager->virt, answer->guest.uuid);
        else if (answer->drift)
                r = virt_attend(manager->virt, answer->guest.uuid);
        if (r < 0)
                log_error("Out of memory, domain '%s' is not attended to", answer->guest.name);
}

int manager_gate(struct manager *manager, enum gate_operation operation, const char *xml,
                 struct gate_answer *ret, char **ret_reason) {
        struct gate_answer answer = {};
        int r;

        r = look_at_host(manager, false);
        if (r < 0)
                return r;
        /* Who defines a guest and starts it at once is not to be answered by what it was before. */
        virt_dispatch_all(manager->virt);
        r = gatekeeper_ask(manager->gatekeeper, &manager->ruleset->judge, operation, xml,
                           strlen(xml), now_usec(), &answer, ret_reason);
        if (r != 0)
                return r;

        act_on_answer(manager, operation, &answer);
        if (gate_answer_is_news(operation, &answer))
                log_answer(manager, operation, &answer);
        *ret = answer;
        return 0;
}

/* --- the whole --- */

/* Before the bus is left, or nobody would hear it. */
static int on_event_exit(sd_event_source *source UNUSED, void *userdata) {
        end_waiting(userdata, "xsavesd is being stopped");
        return 0;
}

static int watch_exit(struct manager *manager) {
        int r;

        r = sd_event_add_exit(manager->event, &manager->exit_source, on_event_exit, manager);
        return r < 0 ? r
                     : sd_event_source_set_priority(manager->exit_source,
                                                    SD_EVENT_PRIORITY_IMPORTANT);
}

struct manager *manager_free(struct manager *manager) {
        if (!manager)
                return NULL;
        sd_event_source_disable_unref(manager->exit_source);
        sd_event_source_disable_unref(manager->virt_source);
        host_watch_free(manager->host_watch);
        virt_free(manager->virt);
        end_waiting(manager, "xsavesd is being stopped");
        guests_free(manager->guests);
        gatekeeper_free(manager->gatekeeper);
        ruleset_unref(manager->ruleset);
        cpu_map_free(manager->map);
        host_facts_free(manager->host);
        policy_store_free(manager->store);
        free(manager->libvirt_error);
        sd_event_unref(manager->event);
        free(manager);
        return NULL;
}

static int start_virt(struct manager *manager, const struct manager_options *options) {
        int r;

        r = virt_new(options->libvirt_uri, options->runtime_folder, &virt_handlers, manager,
                     &manager->virt);
        if (r < 0)
                return r;
        return sd_event_add_io(manager->event, &manager->virt_source, virt_fd(manager->virt),
                               EPOLLIN, on_virt_fd, manager);
}

int manager_new(const struct manager_options *options, sd_event *event, struct manager **ret) {
        CLEANUP(manager_free_p) struct manager *manager = calloc(1, sizeof(*manager));
        int r;

        if (!manager)
                return -ENOMEM;
        manager->event = sd_event_ref(event);
        r = find_host(manager, options->facts_file);
        if (r >= 0)
                r = gatekeeper_new(find_stored_grant, manager, &manager->gatekeeper);
        if (r >= 0)
                r = guests_new(&manager->guests);
        if (r >= 0)
                r = policy_store_new(options->policy_folder, event, on_policy_files, manager,
                                     &manager->store);
        if (r >= 0 && !manager->host_is_file)
                r = host_watch_new(event, on_host_change, manager, &manager->host_watch);
        if (r >= 0)
                r = load_first_policy(manager);
        if (r >= 0)
                r = start_virt(manager, options);
        if (r >= 0)
                r = watch_exit(manager);
        if (r < 0)
                return r;

        *ret = STEAL(manager);
        return 0;
}
