#include "query.h"

#include "document.h"

static vw_text answer_of(vw_error error, vw_json answer) {
    if (error != NULL) {
        return vw_answer_error(error);
    }
    struct vw_buffer out = vw_answer_begin();
    vw_put_json(&out, answer);
    return vw_answer_of(&out);
}

vw_text vw_answer_query(const struct vw_querying *plugin, vw_text document) {
    struct vw_document all;
    vw_json answer = VW_ABSENT;
    vw_error error = vw_document_read(document, &all);
    if (error != NULL) {
        return vw_answer_error(error);
    }
    const struct vw_question question = {
        .now_ms = vw_document_integer(&all, VW_TEXT("now")),
        .path = vw_document_text(&all, VW_TEXT("path")),
        .method = vw_document_text(&all, VW_TEXT("method")),
        .query = vw_document_get(&all, VW_TEXT("query")),
        .body = vw_document_get(&all, VW_TEXT("body")),
        .hostname = vw_document_text(&all, VW_TEXT("hostname")),
        .config = vw_document_get(&all, VW_TEXT("config")),
        .schedule = vw_document_get_unless_null(&all, VW_TEXT("schedule")),
        .schedule_digest = vw_document_text(&all, VW_TEXT("schedule_digest")),
        .since_ms = vw_document_integer(&all, VW_TEXT("since")),
        .document = all.value,
    };
    error = plugin->query(&question, &answer);
    return answer_of(error, answer);
}

vw_text vw_answer_render_roles(const struct vw_querying *plugin, vw_text document) {
    struct vw_document all;
    vw_json answer = VW_ABSENT;
    vw_error error = vw_document_read(document, &all);
    if (error == NULL && plugin->render_roles != NULL) {
        error = plugin->render_roles(all.value, &answer);
    }
    return answer_of(error, answer);
}
