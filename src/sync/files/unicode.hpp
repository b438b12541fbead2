#pragma once

#include <string>
#include <string_view>

/// Names that look alike: Unicode normal forms and case, from utf8proc. Text that is not UTF-8 has one form, its own.
namespace kith::files {

/// Unicode Normalization Form C (UAX 15). What macOS stores decomposed and Linux composed becomes one.
[[nodiscard]] std::string nfc(std::string_view text);

/// Caseless form: full case folding of the canonical decomposition, then NFC (Unicode 15.0, section 3.13, D145). Two
/// names of one form may be one file on a file system that ignores case. Full folding (sharp s is ss) finds more than
/// some file systems do: then the caller looks once more for nothing, while finding less would overwrite a file.
[[nodiscard]] std::string caseless(std::string_view text);

/// The same without the characters that show nothing (Default_Ignorable_Code_Point), which HFS+ ignores in names.
[[nodiscard]] std::string bare_caseless(std::string_view text);

}  // namespace kith::files
