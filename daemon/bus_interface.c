/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus_interface.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#include "bus.h"
#include "bus_encode.h"
#include "core/rewrite.h"
#include "log.h"
#include "polkit.h"

/* The interface's own errors. */
#define ERROR_INVALID_XML "org.xsavesd1.Error.InvalidXml"
#define ERROR_NO_SUCH_GUEST "org.xsavesd1.Error.NoSuchGuest"
#define ERROR_POLICY_REFUSED "org.xsavesd1.Error.PolicyRefused"
#define ERROR_NO_LIBVIRT "org.xsavesd1.Error.NoLibvirt"

static void message_unref_p(sd_bus_message **message) {
        sd_bus_message_unref(*message);
}
#define AUTO_MESSAGE CLEANUP(message_unref_p)

static int send_reply(sd_bus_message *reply) {
        return sd_bus_send(NULL, reply, NULL);
}

static int refuse_xml(sd_bus_error *error, const char *reason) {
        return sd_bus_error_setf(error, ERROR_INVALID_XML, "The domain XML is refused: %s", reason);
}

/* --- methods --- */

static void emit_decided(sd_bus *bus, enum gate_operation operation,
                         const struct gate_answer *answer) {
        const struct guest *guest = &answer->guest;
        int r;

        r = sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE, "Decided", "sssbsss",
                               guest_name(guest), guest->uuid ? guest->uuid : "",
                               gate_operation_to_string(operation), (int)answer->accept,
                               verdict_to_string(answer->decision.verdict),
                               reason_to_string(answer->decision.reason), answer->message);
        if (r < 0)
                log_warning("Cannot signal a decision on the bus: %s", strerror(-r));
}

/*
 * The hook does not wait at `started`, and may be gone before the bus can be asked who it was. Then it is
 * enough that the bus lets nobody but root send Gate (conf/org.xsavesd1.conf).
 */
static bool may_ask_gate(sd_bus_message *call, const char *operation) {
        int is_root = sender_is_root(call);

        return is_root > 0 || (is_root < 0 && streq(operation, "started"));
}

/*
 * Gate(s operation, s sub_operation, s xml) -> (b accept, s verdict, s reason, s message)
 * For libvirt's hook: root only. `xml` is what libvirt gives to the hook. `message` is one line for whoever
 * asked for the start, "" where there is nothing to say. Operations that are not judged are
 * accepted, with the reason "not-judged". Errors: InvalidXml, where the policy enforces and governs the domain
 * type; never for `started`.
 */
static int method_gate(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        AUTO_FREE char *refused = NULL;
        const char *operation_name, *sub_operation, *xml;
        enum gate_operation operation;
        int r;

        r = sd_bus_message_read(call, "sss", &operation_name, &sub_operation, &xml);
        if (r < 0)
                return r;
        if (!may_ask_gate(call, operation_name))
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                        "Only root may ask the gate");
        if (gate_operation_from_string(operation_name, &operation) < 0 ||
            !streq(sub_operation, "begin"))
                return sd_bus_reply_method_return(call, "bsss", true, "keep", "not-judged", "");

        r = manager_gate(userdata, operation, xml, &answer, &refused);
        if (r > 0)
                return refuse_xml(error, refused);
        if (r < 0)
                return r;
        r = sd_bus_reply_method_return(call, "bsss", answer.accept,
                                       verdict_to_string(answer.decision.verdict),
                                       reason_to_string(answer.decision.reason), answer.message);
        /* The hook waits, whoever monitors does not. */
        if (r >= 0 && gate_answer_is_news(operation, &answer))
                emit_decided(sd_bus_message_get_bus(call), operation, &answer);
        return r;
}

/*
 * Rewrite(s xml) -> (s xml, s verdict, s reason)
 * Domain XML as the policy in force wants it here; unchanged where it does not enforce. Errors: InvalidXml.
 */
static int method_rewrite(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const struct manager *manager = userdata;
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *refused = NULL;
        const char *xml;
        int r;

        r = sd_bus_message_read(call, "s", &xml);
        if (r < 0)
                return r;
        r = rewrite_xml(&manager->ruleset->judge, xml, strlen(xml), &rewritten, &refused);
        if (r > 0)
                return refuse_xml(error, refused);
        if (r < 0)
                return r;
        if (!utf8_valid(rewritten.xml, rewritten.length))
                return refuse_xml(error, "its encoding is not UTF-8");
        return sd_bus_reply_method_return(call, "sss", rewritten.xml,
                                          verdict_to_string(rewritten.decision.verdict),
                                          reason_to_string(rewritten.decision.reason));
}

/*
 * Explain(s guest) -> a{sv}
 * By name or UUID; from memory. Keys as in ListGuests(), and `steps`. Errors: NoSuchGuest.
 */
static int method_explain(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const struct manager *manager = userdata;
        AUTO_MESSAGE sd_bus_message *reply = NULL;
        const struct guest_entry *entry;
        const char *name;
        int r;

        r = sd_bus_message_read(call, "s", &name);
        if (r < 0)
                return r;
        entry = guests_find_by_name(manager->guests, name);
        if (!entry || !entry->seen.name)
                return sd_bus_error_setf(
                        error, ERROR_NO_SUCH_GUEST, "No guest '%s' is known%s", name,
                        manager->libvirt_connected ? "" : " (no connection to libvirt)");
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = encode_explanation(reply, manager->ruleset, entry);
        return r < 0 ? r : send_reply(reply);
}

/* ListGuests() -> aa{sv}: every guest that is known, by name; from memory. */
static int method_list_guests(sd_bus_message *call, void *userdata, sd_bus_error *error UNUSED) {
        const struct manager *manager = userdata;
        AUTO_MESSAGE sd_bus_message *reply = NULL;
        AUTO_FREE struct guest_entry **entries = NULL;
        int n, r;

        n = guests_sorted(manager->guests, &entries);
        if (n < 0)
                return n;
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (int i = 0; r >= 0 && i < n; i++)
                if (entries[i]->seen.name)
                        r = encode_guest(reply, entries[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : send_reply(reply);
}

/* A call that the libvirt thread is at work for. */
struct waiting_call {
        sd_bus_message *call; /* NULL: whoever made it is gone */
        TAILQ_ENTRY(waiting_call) in_waiting;
};

static TAILQ_HEAD(, waiting_call) waiting_calls = TAILQ_HEAD_INITIALIZER(waiting_calls);

static struct waiting_call *waiting_call_new(sd_bus_message *call) {
        struct waiting_call *waiting = calloc(1, sizeof(*waiting));

        if (!waiting)
                return NULL;
        waiting->call = sd_bus_message_ref(call);
        TAILQ_INSERT_TAIL(&waiting_calls, waiting, in_waiting);
        return waiting;
}

/* Returns the call, for the caller to own. */
static sd_bus_message *waiting_call_end(struct waiting_call *waiting) {
        sd_bus_message *call = waiting->call;

        TAILQ_REMOVE(&waiting_calls, waiting, in_waiting);
        free(waiting);
        return call;
}

void bus_interface_forget_caller(const char *name) {
        struct waiting_call *waiting;

        TAILQ_FOREACH(waiting, &waiting_calls, in_waiting) {
                if (waiting->call && streq_null(sd_bus_message_get_sender(waiting->call), name))
                        waiting->call = sd_bus_message_unref(waiting->call);
        }
}

static void on_converged(const struct virt_change *changes, size_t n_changes, const char *error,
                         void *userdata) {
        AUTO_MESSAGE sd_bus_message *call = waiting_call_end(userdata), *reply = NULL;
        int r;

        if (!call)
                return;
        if (error) {
                sd_bus_reply_method_errorf(call, ERROR_NO_LIBVIRT, "%s", error);
                return;
        }
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = encode_changes(reply, changes, n_changes);
        if (r >= 0)
                r = send_reply(reply);
        if (r < 0)
                sd_bus_reply_method_errno(call, r, NULL);
}

static int read_guests(sd_bus_message *call, char ***ret) {
        int r;

        r = sd_bus_message_read_strv(call, ret);
        if (r >= 0 && *ret && !**ret)
                *ret = strv_free(*ret);
        return r;
}

/* on_converged() does, unless the libvirt thread could not be asked. `waiting`: NULL for want of memory. */
static int answer_later(struct waiting_call *waiting, int r) {
        if (waiting && r < 0)
                sd_bus_message_unref(waiting_call_end(waiting));
        return r < 0 ? r : 1;
}

static int converge_granted(sd_bus_message *call, void *userdata) {
        AUTO_STRV char **guests = NULL;
        struct waiting_call *waiting;
        int dry_run, r;

        r = sd_bus_message_read(call, "b", &dry_run);
        if (r >= 0)
                r = read_guests(call, &guests);
        if (r < 0)
                return r;
        waiting = waiting_call_new(call);
        r = waiting ? manager_converge(userdata, dry_run, guests, on_converged, waiting) : -ENOMEM;
        return answer_later(waiting, r);
}

/*
 * Converge(b dry_run, as guests) -> aa{sv}
 * Bring these guests (none: all) in line now, or say what that would do. Answers when it is done.
 * By polkit: org.xsavesd1.manage. Errors: NoLibvirt. An error with one guest is in its `error`.
 */
static int method_converge(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_check(call, POLKIT_ACTION_MANAGE, converge_granted, userdata, error);
}

static int revert_granted(sd_bus_message *call, void *userdata) {
        AUTO_STRV char **guests = NULL;
        struct waiting_call *waiting;
        int r;

        r = read_guests(call, &guests);
        if (r < 0)
                return r;
        waiting = waiting_call_new(call);
        r = waiting ? manager_revert(userdata, guests, on_converged, waiting) : -ENOMEM;
        return answer_later(waiting, r);
}

/*
 * Revert(as guests) -> aa{sv}
 * Take back what was done to these guests' definitions (none: all). They stay so until they or the policy
 * change. By polkit: org.xsavesd1.manage. Errors as Converge().
 */
static int method_revert(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_check(call, POLKIT_ACTION_MANAGE, revert_granted, userdata, error);
}

static int reload_granted(sd_bus_message *call, void *userdata) {
        struct manager *manager = userdata;
        int r;

        r = manager_reload(manager);
        if (r > 0)
                return sd_bus_reply_method_errorf(call, ERROR_POLICY_REFUSED, "%s",
                                                  policy_store_error(manager->store));
        return r < 0 ? r : sd_bus_reply_method_return(call, "");
}

/*
 * Reload()
 * Read the policy again. By polkit: org.xsavesd1.manage. Errors: PolicyRefused, with all that is wrong; the
 * last good policy is then still in force.
 */
static int method_reload(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_check(call, POLKIT_ACTION_MANAGE, reload_granted, userdata, error);
}

/* --- properties --- */

static int get_version(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
                       const char *property UNUSED, sd_bus_message *reply, void *userdata UNUSED,
                       sd_bus_error *error UNUSED) {
        return sd_bus_message_append(reply, "s", XSAVESD_VERSION);
}

static int get_host(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
                    const char *property UNUSED, sd_bus_message *reply, void *userdata,
                    sd_bus_error *error UNUSED) {
        const struct manager *manager = userdata;

        return encode_host(reply, manager->ruleset);
}

static int get_policy(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
                      const char *property UNUSED, sd_bus_message *reply, void *userdata,
                      sd_bus_error *error UNUSED) {
        return encode_policy(reply, userdata);
}

static int get_enforce(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
                       const char *property UNUSED, sd_bus_message *reply, void *userdata,
                       sd_bus_error *error UNUSED) {
        const struct manager *manager = userdata;

        return sd_bus_message_append(reply, "b", manager->ruleset->policy->enforce);
}

static int get_generation(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
                          const char *property UNUSED, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error UNUSED) {
        const struct manager *manager = userdata;

        return sd_bus_message_append(reply, "t", manager->ruleset->policy_generation);
}

static int get_policy_error(sd_bus *bus UNUSED, const char *path UNUSED,
                            const char *interface UNUSED, const char *property UNUSED,
                            sd_bus_message *reply, void *userdata, sd_bus_error *error UNUSED) {
        const struct manager *manager = userdata;

        return sd_bus_message_append(reply, "s", policy_store_error(manager->store));
}

static int get_libvirt_connected(sd_bus *bus UNUSED, const char *path UNUSED,
                                 const char *interface UNUSED, const char *property UNUSED,
                                 sd_bus_message *reply, void *userdata,
                                 sd_bus_error *error UNUSED) {
        const struct manager *manager = userdata;

        return sd_bus_message_append(reply, "b", manager->libvirt_connected);
}

static int get_libvirt_error(sd_bus *bus UNUSED, const char *path UNUSED,
                             const char *interface UNUSED, const char *property UNUSED,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error UNUSED) {
        const struct manager *manager = userdata;

        return sd_bus_message_append(reply, "s",
                                     manager->libvirt_error ? manager->libvirt_error : "");
}

/* Every method checks its caller itself; who may send at all stands in the bus policy (conf/). */
const sd_bus_vtable bus_interface_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Gate", SD_BUS_ARGS("s", operation, "s", sub_operation, "s", xml),
                                SD_BUS_RESULT("b", accept, "s", verdict, "s", reason, "s", message),
                                method_gate, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Rewrite", SD_BUS_ARGS("s", xml),
                                SD_BUS_RESULT("s", xml, "s", verdict, "s", reason), method_rewrite,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", guest),
                                SD_BUS_RESULT("a{sv}", explanation), method_explain,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListGuests", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", guests),
                                method_list_guests, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Converge", SD_BUS_ARGS("b", dry_run, "as", guests),
                                SD_BUS_RESULT("aa{sv}", changes), method_converge,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Revert", SD_BUS_ARGS("as", guests),
                                SD_BUS_RESULT("aa{sv}", changes), method_revert,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload,
                                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Host", "a{ss}", get_host, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_PROPERTY("Policy", "a{sv}", get_policy, 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_PROPERTY("Enforce", "b", get_enforce, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PolicyGeneration", "t", get_generation, 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PolicyError", "s", get_policy_error, 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LibvirtConnected", "b", get_libvirt_connected, 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("LibvirtError", "s", get_libvirt_error, 0,
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),

        SD_BUS_SIGNAL_WITH_ARGS("Decided",
                                SD_BUS_ARGS("s", guest, "s", uuid, "s", operation, "b", accept, "s",
                                            verdict, "s", reason, "s", message),
                                0),
        SD_BUS_SIGNAL_WITH_ARGS("PolicyLoaded", SD_BUS_ARGS("t", generation, "s", error), 0),
        SD_BUS_VTABLE_END,
};

/* --- signals --- */

int bus_interface_emit_policy(sd_bus *bus, const struct manager *manager) {
        int r;

        r = sd_bus_emit_signal(bus, BUS_PATH, BUS_INTERFACE, "PolicyLoaded", "ts",
                               manager->ruleset ? manager->ruleset->policy_generation : 0,
                               policy_store_error(manager->store));
        if (r < 0)
                return r;
        return sd_bus_emit_properties_changed(bus, BUS_PATH, BUS_INTERFACE, "Host", "Policy",
                                              "Enforce", "PolicyGeneration", "PolicyError", NULL);
}

int bus_interface_emit_host(sd_bus *bus) {
        return sd_bus_emit_properties_changed(bus, BUS_PATH, BUS_INTERFACE, "Host", NULL);
}

int bus_interface_emit_libvirt(sd_bus *bus) {
        return sd_bus_emit_properties_changed(bus, BUS_PATH, BUS_INTERFACE, "Host",
                                              "LibvirtConnected", "LibvirtError", NULL);
}
