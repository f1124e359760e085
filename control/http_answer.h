/* SPDX-License-Identifier: Apache-2.0 */
/* How control's HTTP door answers with JSON. */
#ifndef CONTROL_HTTP_ANSWER_H
#define CONTROL_HTTP_ANSWER_H

#include <microhttpd.h>

#define HTTP_ANSWER_RETRY_AFTER_S 1 /* with 503 */

/* Queue `body`, malloc'ed JSON text, which is freed (NULL: memory is short, an empty body).
 * `allow`: the method that 405 names. The HTTP thread. */
enum MHD_Result http_answer(
	struct MHD_Connection *connection, unsigned status, char *body, const char *allow);

#endif
