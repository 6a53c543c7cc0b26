/*
 * A document of the host's, taken apart once: however long it is, asking for one part more costs nothing.
 */
#ifndef VERWALTER_DOCUMENT_H
#define VERWALTER_DOCUMENT_H

#include "json.h"

/** A document of the contract's version 1: its members, ascending by key. */
struct vw_document {
    vw_json value;
    const struct vw_member *members;
    size_t count;
};

/** Reads a document. Keys that nobody asks for do no harm. */
vw_error vw_document_read(vw_text text, struct vw_document *document);

/** A part of the document; absent where there is none. */
vw_json vw_document_get(const struct vw_document *document, vw_text key);

/** The same, and absent where it is null. */
vw_json vw_document_get_unless_null(const struct vw_document *document, vw_text key);

/** A whole number of the document; 0 where it is none. */
int64_t vw_document_integer(const struct vw_document *document, vw_text key);

/** A text of the document; "" where it is none. */
vw_text vw_document_text(const struct vw_document *document, vw_text key);

#endif
