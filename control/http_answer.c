/* SPDX-License-Identifier: Apache-2.0 */
#include "control/http_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum MHD_Result http_answer(
	struct MHD_Connection *connection, unsigned status, char *body, const char *allow)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body != NULL ? strlen(body) : 0, body, MHD_RESPMEM_MUST_FREE);

	if (response == NULL) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", "application/json");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE) {
		char seconds[16];

		snprintf(seconds, sizeof(seconds), "%d", HTTP_ANSWER_RETRY_AFTER_S);
		MHD_add_response_header(response, "Retry-After", seconds);
	}
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", allow);
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}
