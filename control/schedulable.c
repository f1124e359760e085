/* SPDX-License-Identifier: Apache-2.0 */
#include "control/schedulable.h"

#include <stddef.h>
#include <string.h>

static const struct schedulable rows[] = {
	{"4.2", "4.2", "DSPReadInstantaneousExportRegisters", "ReadInstantaneousExportRegisters",
		false, false},
	{"4.6.1", "4.6", "DSPRetrieveImportDailyReadLog", "RetrieveImportDailyReadLog", true, true},
	{"4.6.2", "4.6", "DSPRetrieveExportDailyReadLog", "RetrieveExportDailyReadLog", true,
		false},
	{"4.8.1", "4.8", "DSPReadActiveImportProfileData", "ReadActiveImportProfileData", true,
		true},
	{"4.8.2", "4.8", "DSPReadReactiveImportProfileData", "ReadReactiveImportProfileData", true,
		false},
	{"4.8.3", "4.8", "DSPReadExportProfileData", "ReadExportProfileData", true, false},
	{"4.10", "4.10", "DSPReadNetworkData", "ReadNetworkData", true, true},
	{"4.12.1", "4.12", "DSPReadMaximumDemandImportRegisters",
		"ReadMaximumDemandImportRegisters", false, false},
	{"4.12.2", "4.12", "DSPReadMaximumDemandExportRegisters",
		"ReadMaximumDemandExportRegisters", false, false},
	{"4.14", "4.14", "DSPReadPrepaymentDailyReadLog", "ReadPrepaymentDailyReadLog", true, true},
	{"4.15", "4.15", "DSPReadLoadLimitData", "ReadLoadLimitData", false, false},
	{"4.16", "4.16", "DSPReadActivePowerImport", "ReadActivePowerImport", false, false},
	{"4.17", "4.17", "DSPRetrieveDailyConsumptionLog", "RetrieveDailyConsumptionLog", true,
		true},
	{"14.1", "14.1", "DSPRecordNetworkDataGAS", "RecordNetworkDataGAS", false, false},
};

const struct schedulable *schedulable_row(unsigned index)
{
	return index < sizeof(rows) / sizeof(rows[0]) ? &rows[index] : NULL;
}

const struct schedulable *schedulable_find(const char *srv)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].srv, srv) == 0)
			return &rows[i];
	return NULL;
}
