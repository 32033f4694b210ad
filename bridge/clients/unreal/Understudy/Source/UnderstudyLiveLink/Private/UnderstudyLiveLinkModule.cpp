#include "Modules/ModuleManager.h"

// Live Link finds the source factory by its class; the module itself has nothing to do.
IMPLEMENT_MODULE(FDefaultModuleImpl, UnderstudyLiveLink)
