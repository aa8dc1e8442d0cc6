/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/host.h"

#include <errno.h>
#include <string.h>

#include "core/host_key.h"

struct host_facts *host_facts_new(void) {
        return calloc(1, sizeof(struct host_facts));
}

struct host_facts *host_facts_free(struct host_facts *facts) {
        if (!facts)
                return NULL;
        free(facts->hostname);
        free(facts->machine_id);
        free(facts->vendor);
        free(facts->host_model);
        free(facts->hypervisor_cpuid);
        free(facts);
        return NULL;
}

int host_facts_copy(const struct host_facts *facts, struct host_facts **ret) {
        AUTO_HOST_FACTS struct host_facts *copy = host_facts_new();

        if (!copy)
                return -ENOMEM;
        *copy = *facts;
        copy->hostname = copy->machine_id = copy->vendor = copy->host_model = NULL;
        copy->hypervisor_cpuid = NULL;

        if (strdup_to(&copy->hostname, facts->hostname) < 0 ||
            strdup_to(&copy->machine_id, facts->machine_id) < 0 ||
            strdup_to(&copy->vendor, facts->vendor) < 0 ||
            strdup_to(&copy->host_model, facts->host_model) < 0)
                return -ENOMEM;

        if (facts->n_hypervisor_cpuid > 0) {
                size_t size = facts->n_hypervisor_cpuid * sizeof(struct cpuid_leaf);

                copy->hypervisor_cpuid = malloc(size);
                if (!copy->hypervisor_cpuid)
                        return -ENOMEM;
                memcpy(copy->hypervisor_cpuid, facts->hypervisor_cpuid, size);
        }

        *ret = STEAL(copy);
        return 0;
}

int host_facts_visit(const struct host_facts *facts,
                     int (*visit)(const char *key, const char *value, void *userdata),
                     void *userdata) {
        for (size_t i = 0; i < N_HOST_KEYS; i++) {
                AUTO_FREE char *value = NULL;
                int r;

                r = host_keys[i].kind->write(&host_keys[i], facts, &value);
                if (r < 0)
                        return r;
                r = visit(host_keys[i].name, value, userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}

void host_facts_cpu_id(const struct host_facts *facts, char ret[HOST_CPU_ID_SIZE]) {
        snprintf(ret, HOST_CPU_ID_SIZE, "%s-%u-%u-%u", facts->vendor ? facts->vendor : HOST_UNKNOWN,
                 facts->family, facts->model, facts->stepping);
}
