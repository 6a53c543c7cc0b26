#include "scheduler.h"

#include "document.h"

static vw_error read(vw_text document, struct vw_input *input) {
    struct vw_document all;
    vw_error error = vw_document_read(document, &all);
    if (error != NULL) {
        return error;
    }
    *input = (struct vw_input){
        .now_ms = vw_document_integer(&all, VW_TEXT("now")),
        .round = vw_document_integer(&all, VW_TEXT("round")),
        .term = vw_document_integer(&all, VW_TEXT("term")),
        .current_host = vw_document_text(&all, VW_TEXT("current_host")),
        .current_id = vw_document_text(&all, VW_TEXT("current_id")),
        .config = vw_document_get(&all, VW_TEXT("config")),
        .runtime = vw_document_get(&all, VW_TEXT("runtime")),
        .parents = vw_document_get(&all, VW_TEXT("parents")),
        .actions = vw_document_get(&all, VW_TEXT("actions")),
        .document = all.value,
        .snapshot = vw_snapshot_of(&all),
    };
    return vw_hostnames(&input->snapshot, &input->hostnames);
}

vw_text vw_answer_schedule(const struct vw_scheduler *plugin, vw_text document) {
    struct vw_input input;
    vw_error error = read(document, &input);
    if (error != NULL) {
        return vw_answer_error(error);
    }
    struct vw_schedule *schedule = vw_schedule_new(input.hostnames);
    error = plugin->schedule(&input, schedule);
    if (error != NULL) {
        return vw_answer_error(error);
    }
    struct vw_buffer out = vw_answer_begin();
    vw_schedule_write(schedule, &out);
    return vw_answer_of(&out);
}
