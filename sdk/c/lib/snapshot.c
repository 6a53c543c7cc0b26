#include "snapshot.h"

#include <string.h>

#include "memory.h"

struct vw_snapshot vw_snapshot_of(const struct vw_document *document) {
    return (struct vw_snapshot){
        .peers = vw_document_get(document, VW_TEXT("peers")),
        .metrics = vw_document_get(document, VW_TEXT("metrics")),
        .parents = vw_document_get(document, VW_TEXT("parents")),
    };
}

static bool in_document(const struct vw_snapshot *snapshot) {
    return vw_json_type(snapshot->peers) == VW_TYPE_MAPPING;
}

vw_error vw_hostnames(struct vw_snapshot *snapshot, struct vw_texts *hostnames) {
    if (snapshot->hostnames.values == NULL) {
        if (in_document(snapshot)) {
            size_t count;
            const struct vw_member *rows = vw_json_sorted(snapshot->peers, &count);
            vw_text *names = vw_take(count, sizeof *names);
            for (size_t i = 0; i < count; i++) {
                names[i] = rows[i].key;
            }
            snapshot->hostnames = (struct vw_texts){names, count};
        } else {
            snapshot->hostnames = vw_host_attribute(VW_TEXT("hostname"));
        }
        if (snapshot->hostnames.values == NULL) {
            return VW_FAIL(VW_TEXT("the host tells no hostnames: let `describe` or the manifest say `input: columns`, or read `peers`"));
        }
    }
    *hostnames = snapshot->hostnames;
    return NULL;
}

size_t vw_position(const struct vw_texts *hostnames, vw_text hostname) {
    size_t low = 0, high = hostnames->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = vw_text_compare(hostnames->values[middle], hostname);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return hostnames->count;
}

static vw_error check_length(vw_text name, size_t values, size_t peers) {
    return values == peers ? NULL
                           : VW_FAIL(VW_TEXT("column "), name, VW_TEXT(" has "), vw_text_of_integer((int64_t)values),
                                     VW_TEXT(" values for "), vw_text_of_integer((int64_t)peers), VW_TEXT(" peers"));
}

/* Numbers and booleans as they were written; "" for what is no scalar. */
static vw_text scalar(vw_json value) {
    enum vw_type type = vw_json_type(value);
    return type == VW_TYPE_NUMBER || type == VW_TYPE_BOOLEAN ? vw_json_raw(value) : vw_json_text_or(value, VW_TEXT(""));
}

static vw_text attribute_of(vw_json row, vw_text path) {
    static const char *const own[] = {"hostname", "id", "name", "addr", "since", "schedule", "errors"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (vw_text_equal(path, vw_text_of(own[i]))) {
            return scalar(vw_json_get(row, path));
        }
    }
    vw_json fact = vw_json_get(row, VW_TEXT("machine"));
    for (;;) {
        const char *dot = path.len == 0 ? NULL : memchr(path.bytes, '.', path.len);
        size_t step = dot == NULL ? path.len : (size_t)(dot - path.bytes);
        fact = vw_json_get(fact, (vw_text){path.bytes, step});
        if (dot == NULL) {
            return scalar(fact);
        }
        path = vw_text_after(path, step + 1);
    }
}

vw_error vw_attribute(struct vw_snapshot *snapshot, vw_text name, const vw_text **values) {
    struct vw_texts hostnames;
    vw_error error = vw_hostnames(snapshot, &hostnames);
    if (error != NULL) {
        return error;
    }
    vw_text *texts = vw_take(hostnames.count, sizeof *texts);
    *values = texts;
    if (!in_document(snapshot)) {
        struct vw_texts told = vw_host_attribute(name);
        if (told.values != NULL) {
            *values = told.values;
            return check_length(name, told.count, hostnames.count);
        }
        for (size_t i = 0; i < hostnames.count; i++) {
            texts[i] = VW_TEXT("");
        }
        return NULL;
    }
    for (struct vw_members walk = vw_json_members(snapshot->peers); vw_json_next_member(&walk);) {
        texts[vw_position(&hostnames, walk.key)] = attribute_of(walk.value, name);
    }
    return NULL;
}

/* The document's column: a number, or null where there is no sample. */
static struct vw_column column_of(vw_json list) {
    if (vw_json_type(list) != VW_TYPE_LIST) {
        return (struct vw_column){NULL, 0};
    }
    double *values = vw_take(vw_json_count(list), sizeof *values);
    size_t count = 0;
    for (struct vw_items walk = vw_json_items(list); vw_json_next_item(&walk); count++) {
        values[count] = (double)__builtin_nan("");
        vw_json_number(walk.value, &values[count]);
    }
    return (struct vw_column){values, count};
}

vw_error vw_column(struct vw_snapshot *snapshot, vw_text name, const double **values) {
    struct vw_texts hostnames;
    vw_error error = vw_hostnames(snapshot, &hostnames);
    if (error != NULL) {
        return error;
    }
    struct vw_column column = in_document(snapshot) ? column_of(vw_json_get(snapshot->metrics, name)) : vw_host_column(name);
    *values = column.values;
    return column.values == NULL ? NULL : check_length(name, column.count, hostnames.count);
}

int64_t vw_instances_on(vw_json node, vw_text role) {
    vw_json placement = vw_json_get(vw_json_get(node, VW_TEXT("roles")), role);
    int64_t instances = vw_json_type(placement) == VW_TYPE_MAPPING;
    vw_json_integer(vw_json_get(placement, VW_TEXT("instances")), 0, INT64_MAX, &instances);
    return instances;
}

/* The contract's greatest number of instances of one role on one node. */
enum { MOST_INSTANCES = 1000000 };

static void count_parents(struct vw_snapshot *snapshot, const struct vw_texts *hostnames, vw_text role, uint32_t *instances) {
    for (struct vw_items parent = vw_json_items(snapshot->parents); vw_json_next_item(&parent);) {
        struct vw_members node = vw_json_members(vw_json_get(parent.value, VW_TEXT("nodes")));
        while (vw_json_next_member(&node)) {
            size_t peer = vw_position(hostnames, node.key);
            int64_t here = vw_instances_on(node.value, role);
            if (peer < hostnames->count && here <= MOST_INSTANCES && (uint32_t)here > instances[peer]) {
                instances[peer] = (uint32_t)here;
            }
        }
    }
}

vw_error vw_placed(struct vw_snapshot *snapshot, vw_text role, const uint32_t **instances) {
    struct vw_texts hostnames;
    vw_error error = vw_hostnames(snapshot, &hostnames);
    if (error != NULL) {
        return error;
    }
    uint32_t *counts = vw_take(hostnames.count, sizeof *counts);
    memset(counts, 0, hostnames.count * sizeof *counts);
    *instances = counts;
    void *mark = vw_mark();
    vw_text name = VW_JOIN(VW_TEXT("placed."), role);
    struct vw_column column = in_document(snapshot) ? (struct vw_column){NULL, 0} : vw_host_column(name);
    if (column.values == NULL) {
        count_parents(snapshot, &hostnames, role, counts);
        return NULL;
    }
    error = check_length(name, column.count, hostnames.count);
    for (size_t i = 0; error == NULL && i < column.count; i++) {
        /* Whole numbers, by the contract; others would be undefined here. */
        counts[i] = column.values[i] >= 0 && column.values[i] <= MOST_INSTANCES ? (uint32_t)column.values[i] : 0;
    }
    if (error == NULL) {
        vw_release(mark);
    }
    return error;
}
