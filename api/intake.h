/* libmicrohttpd's callbacks; for serve.c, intake.c and reply.c, the only files that know it. */
#ifndef LYCEUM_API_INTAKE_H
#define LYCEUM_API_INTAKE_H

#include "api/internal.h"

#include <microhttpd.h>

void *intake_target(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result intake_request(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **state);
void intake_completed(void *cls, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why);
void intake_connection(void *cls, struct MHD_Connection *connection, void **state,
                       enum MHD_ConnectionNotificationCode what);
enum MHD_Result answer_queue(struct exchange *x);

#endif
