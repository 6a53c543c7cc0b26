/* The query plugin: `roles/ROLE` tells on which nodes a role runs. */
#include "plugin.h"

#include <string.h>

/* The role of the path `roles/ROLE`; "" where it is another path. */
static vw_text role_of(vw_text path) {
    const vw_text prefix = VW_TEXT("roles/");
    vw_text role = vw_text_begins(path, prefix) ? vw_text_after(path, prefix.len) : VW_TEXT("");
    return role.len != 0 && memchr(role.bytes, '/', role.len) != NULL ? VW_TEXT("") : role;
}

static vw_error query(const struct vw_question *question, vw_json *answer) {
    vw_text role = role_of(question->path);
    if (role.len == 0) {
        return VW_FAIL(VW_TEXT("no such path: "), question->path, VW_TEXT("; ask roles/ROLE"));
    }
    if (vw_json_type(question->schedule) == VW_TYPE_ABSENT) {
        return VW_FAIL(VW_TEXT("no schedule is in force"));
    }
    bool known = vw_json_type(vw_json_get(vw_json_get(question->schedule, VW_TEXT("roles")), role)) != VW_TYPE_ABSENT;
    struct vw_buffer out = {0};
    vw_put(&out, VW_TEXT("{\"role\":"));
    vw_put_text(&out, role);
    vw_put(&out, VW_TEXT(",\"nodes\":{"));
    struct vw_members nodes = vw_json_members(vw_json_get(question->schedule, VW_TEXT("nodes")));
    while (vw_json_next_member(&nodes)) {
        int64_t instances = vw_instances_on(nodes.value, role);
        if (instances > 0) {
            known = true;
            vw_put_key(&out, nodes.key);
            vw_put_integer(&out, instances);
        }
    }
    vw_put(&out, VW_TEXT("}}"));
    if (!known) {
        return VW_FAIL(VW_TEXT("no role "), role, VW_TEXT(" in the schedule"));
    }
    return vw_buffer_json(&out, answer);
}

const struct vw_querying plugin = {
    .about = {.name = "sample-query", .version = "0.1.0"},
    .query = query,
    /* No `render_roles`: the choice is left to the schedule. */
};

VW_QUERY(plugin);
