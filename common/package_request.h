// common/package_request.h - which files shall become one version of an app. Pure data.
#pragma once

#include <string>
#include <vector>

namespace dm {

struct PackageRequest {
  std::string executable;  // paths
  std::vector<std::string> libs;
  std::vector<std::string> files;
  std::string app;  // is_app_name(); empty: named after the executable
};

}  // namespace dm
