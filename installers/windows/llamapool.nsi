; Per-user installer of the desktop app; needs no administrator rights. Built by installers/windows/build, which defines
;   VERSION, NUMBERS (a.b.c.0), APP (folder with llamapool.exe and llamapool-worker.exe), ROOT (of the repository), OUT
;   WEBVIEW2 (optional: Microsoft's MicrosoftEdgeWebview2Setup.exe, for systems that have no WebView2 yet)
; Silent: /S. Another folder: /D=C:\folder, as the last argument.

Target amd64-unicode
SetCompressor /SOLID lzma
ManifestDPIAware true
RequestExecutionLevel user

!include MUI2.nsh
!include FileFunc.nsh
!include LogicLib.nsh
!include x64.nsh

!define PRODUCT llamapool
!define REMOVAL "Software\Microsoft\Windows\CurrentVersion\Uninstall\${PRODUCT}"
; The app itself reads and writes this key for "Start at login".
!define AT_LOGIN "Software\Microsoft\Windows\CurrentVersion\Run"
; Class of the window by which a second instance finds the running app.
!define APP_ID "io.llamapool.desktop"
!define RUNNING "${APP_ID}-sic"
; Where WebView2 registers its version.
!define WEBVIEW2_MACHINE "SOFTWARE\WOW6432Node\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
!define WEBVIEW2_USER "Software\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
; How long to wait for a running app, in half seconds. The app takes at most 30 seconds to finish its requests (`ASKED_PATIENCE` in quit.rs).
!define PATIENCE 70

Name "${PRODUCT}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\${PRODUCT}"
InstallDirRegKey HKCU "${REMOVAL}" "InstallLocation"
BrandingText "${PRODUCT} ${VERSION}"
VIProductVersion "${NUMBERS}"
VIAddVersionKey ProductName "${PRODUCT}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "Shares this computer's LLM runtime with your llamapool server"
VIAddVersionKey LegalCopyright "MIT licence"

!define MUI_ICON "${ROOT}/src-tauri/icons/icon.ico"
!define MUI_UNICON "${ROOT}/src-tauri/icons/icon.ico"
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN "$INSTDIR\llamapool.exe"
!define MUI_FINISHPAGE_NOAUTOCLOSE
!insertmacro MUI_PAGE_LICENSE "${ROOT}/LICENSE"
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; A running program cannot be replaced, so the app is asked to quit, which finishes running requests. After ${PATIENCE} half seconds, a silent
; installation kills the app; otherwise the user can retry.
!macro EndRunning un
Function ${un}EndRunning
  ${Do}
    FindWindow $0 "${RUNNING}" ""
    ${If} $0 = 0
      Return
    ${EndIf}
    nsExec::Exec '"$INSTDIR\llamapool.exe" --quit'
    Pop $1
    ${For} $2 1 ${PATIENCE}
      Sleep 500
      FindWindow $0 "${RUNNING}" ""
      ${If} $0 = 0
        Sleep 500 ; until Windows has released the file
        Return
      ${EndIf}
    ${Next}
    ${If} ${Silent}
      ${ExitDo}
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONINFORMATION "llamapool is still running. Choose Quit in its menu (the llama icon in the notification area), then click Retry." IDRETRY again
    Abort "llamapool is still running."
    again:
  ${Loop}
  nsExec::Exec 'taskkill /F /T /IM llamapool.exe'
  Pop $1
  Sleep 500
FunctionEnd
!macroend
!insertmacro EndRunning ""
!insertmacro EndRunning "un."

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_ICONSTOP "llamapool requires 64-bit Windows." /SD IDOK
    Abort
  ${EndIf}
  SetRegView 64
FunctionEnd

Function un.onInit
  SetRegView 64
FunctionEnd

; Windows 11 and up-to-date Windows 10 include it.
Function NeedWebView2
  ReadRegStr $0 HKLM "${WEBVIEW2_MACHINE}" "pv"
  ${If} $0 == ""
    ReadRegStr $0 HKCU "${WEBVIEW2_USER}" "pv"
  ${EndIf}
  ${If} $0 != ""
  ${AndIf} $0 != "0.0.0.0"
    Return
  ${EndIf}
!ifdef WEBVIEW2
  DetailPrint "Installing Microsoft WebView2, which displays the windows of llamapool"
  InitPluginsDir
  File "/oname=$PLUGINSDIR\webview2.exe" "${WEBVIEW2}"
  ExecWait '"$PLUGINSDIR\webview2.exe" /silent /install' $1
  ${If} $1 = 0
    Return
  ${EndIf}
!endif
  MessageBox MB_ICONEXCLAMATION "llamapool requires the Microsoft WebView2 Runtime, which is not installed. Download it from https://developer.microsoft.com/microsoft-edge/webview2/" /SD IDOK
FunctionEnd

Section "llamapool" Main
  SectionIn RO
  Call EndRunning
  SetOutPath "$INSTDIR"
  File "${APP}/llamapool.exe"
  File "${APP}/llamapool-worker.exe"
!if /FileExists "${APP}/WebView2Loader.dll" ; only builds with the GNU toolchain need it
  File "${APP}/WebView2Loader.dll"
!endif
  File "/oname=LICENSE.txt" "${ROOT}/LICENSE"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\llamapool.lnk" "$INSTDIR\llamapool.exe"

  WriteRegStr HKCU "Software\Classes\llamapool" "" "URL:llamapool"
  WriteRegStr HKCU "Software\Classes\llamapool" "URL Protocol" ""
  WriteRegStr HKCU "Software\Classes\llamapool\DefaultIcon" "" '"$INSTDIR\llamapool.exe",0'
  WriteRegStr HKCU "Software\Classes\llamapool\shell\open\command" "" '"$INSTDIR\llamapool.exe" "%1"'

  ; Name of the app in Windows notifications (`APP_ID` in notices.rs).
  WriteRegStr HKCU "Software\Classes\AppUserModelId\${APP_ID}" "DisplayName" "llamapool"
  WriteRegStr HKCU "${REMOVAL}" "DisplayName" "llamapool"
  WriteRegStr HKCU "${REMOVAL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${REMOVAL}" "DisplayIcon" "$INSTDIR\llamapool.exe"
  WriteRegStr HKCU "${REMOVAL}" "Publisher" "llamapool"
  WriteRegStr HKCU "${REMOVAL}" "URLInfoAbout" "https://github.com/llamapool/llamapool"
  WriteRegStr HKCU "${REMOVAL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${REMOVAL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${REMOVAL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${REMOVAL}" "NoModify" 1
  WriteRegDWORD HKCU "${REMOVAL}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${REMOVAL}" "EstimatedSize" "$0"
  Call NeedWebView2
SectionEnd

; The app's own switch uses the same registry value.
Section /o "Start at login" AtLogin
  WriteRegStr HKCU "${AT_LOGIN}" "llamapool" '"$INSTDIR\llamapool.exe" --hidden'
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${Main} "The tray app and the command-line worker."
  !insertmacro MUI_DESCRIPTION_TEXT ${AtLogin} "Starts llamapool without a window when you log in. You can change this in its menu."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

; Settings and logs in %ProgramData%\llamapool are kept.
Section "Uninstall"
  Call un.EndRunning
  Delete "$INSTDIR\llamapool.exe"
  Delete "$INSTDIR\llamapool-worker.exe"
  Delete "$INSTDIR\.llamapool.exe.old"
  Delete "$INSTDIR\.llamapool-worker.exe.old"
  Delete "$INSTDIR\WebView2Loader.dll"
  Delete "$INSTDIR\LICENSE.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\llamapool.lnk"
  DeleteRegValue HKCU "${AT_LOGIN}" "llamapool"
  DeleteRegKey HKCU "${REMOVAL}"
  DeleteRegKey HKCU "Software\Classes\AppUserModelId\${APP_ID}"
  ; Another program may have taken over the links.
  ReadRegStr $0 HKCU "Software\Classes\llamapool\shell\open\command" ""
  ${If} $0 == '"$INSTDIR\llamapool.exe" "%1"'
    DeleteRegKey HKCU "Software\Classes\llamapool"
  ${EndIf}
SectionEnd
