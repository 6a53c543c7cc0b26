#include "document.h"

vw_error vw_document_read(vw_text text, struct vw_document *document) {
    vw_error error = vw_json_read(text, &document->value);
    if (error != NULL) {
        return VW_FAIL(VW_TEXT("the input document: "), *error);
    }
    document->members = vw_json_sorted(document->value, &document->count);
    if (vw_document_integer(document, VW_TEXT("v")) != 1) {
        return VW_FAIL(VW_TEXT("the input document is not of version 1, the only one that this plugin knows"));
    }
    return NULL;
}

vw_json vw_document_get(const struct vw_document *document, vw_text key) {
    for (size_t i = 0; i < document->count; i++) {
        if (vw_text_equal(document->members[i].key, key)) {
            return document->members[i].value;
        }
    }
    return VW_ABSENT;
}

vw_json vw_document_get_unless_null(const struct vw_document *document, vw_text key) {
    vw_json value = vw_document_get(document, key);
    return vw_json_type(value) == VW_TYPE_NULL ? VW_ABSENT : value;
}

int64_t vw_document_integer(const struct vw_document *document, vw_text key) {
    int64_t number = 0;
    vw_json_integer(vw_document_get(document, key), INT64_MIN, INT64_MAX, &number);
    return number;
}

vw_text vw_document_text(const struct vw_document *document, vw_text key) {
    return vw_json_text_or(vw_document_get(document, key), VW_TEXT(""));
}
