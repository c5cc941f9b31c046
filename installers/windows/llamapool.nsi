; The desktop app for one user of Windows: no administrator is needed. Made by installers/windows/build, which gives
;   VERSION, NUMBERS (a.b.c.0), APP (folder with llamapool.exe and llamapool-worker.exe), ROOT (of the repository), OUT
;   WEBVIEW2 (optional: Microsoft's MicrosoftEdgeWebview2Setup.exe, for systems that have no WebView2 yet)
; Silent: /S. Another folder: /D=C:\folder, the last argument.

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
; What the app itself reads and writes for "Start at login".
!define AT_LOGIN "Software\Microsoft\Windows\CurrentVersion\Run"
; The window that the running app has for a second one to find, by its identifier.
!define APP_ID "io.llamapool.desktop"
!define RUNNING "${APP_ID}-sic"
; Where WebView2 says its version.
!define WEBVIEW2_MACHINE "SOFTWARE\WOW6432Node\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
!define WEBVIEW2_USER "Software\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
; Half seconds that a running app gets to finish its requests: it takes half a minute at most (`ASKED_PATIENCE` in quit.rs).
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
VIAddVersionKey FileDescription "Brings this machine into a llamapool"
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

; A program that runs cannot be replaced. It is asked to end, which finishes the requests that run. Whoever is there may wait longer; a silent
; installation ends it if it has not within ${PATIENCE} half seconds.
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
        Sleep 500 ; until Windows has let go of the file
        Return
      ${EndIf}
    ${Next}
    ${If} ${Silent}
      ${ExitDo}
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONINFORMATION "llamapool is still running. Please choose Quit in its menu (the llama beside the clock), then press Retry." IDRETRY again
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
    MessageBox MB_ICONSTOP "llamapool needs a 64-bit Windows." /SD IDOK
    Abort
  ${EndIf}
  SetRegView 64
FunctionEnd

Function un.onInit
  SetRegView 64
FunctionEnd

; Windows 11 has it, and a Windows 10 that is kept current.
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
  DetailPrint "Installing WebView2, which the windows of llamapool are drawn by"
  InitPluginsDir
  File "/oname=$PLUGINSDIR\webview2.exe" "${WEBVIEW2}"
  ExecWait '"$PLUGINSDIR\webview2.exe" /silent /install' $1
  ${If} $1 = 0
    Return
  ${EndIf}
!endif
  MessageBox MB_ICONEXCLAMATION "The windows of llamapool need Microsoft's WebView2 Runtime, which is not installed. Please get it from https://developer.microsoft.com/microsoft-edge/webview2/" /SD IDOK
FunctionEnd

Section "llamapool" Main
  SectionIn RO
  Call EndRunning
  SetOutPath "$INSTDIR"
  File "${APP}/llamapool.exe"
  File "${APP}/llamapool-worker.exe"
!if /FileExists "${APP}/WebView2Loader.dll" ; builds with the GNU tools need it, others have it inside
  File "${APP}/WebView2Loader.dll"
!endif
  File "/oname=LICENSE.txt" "${ROOT}/LICENSE"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\llamapool.lnk" "$INSTDIR\llamapool.exe"

  WriteRegStr HKCU "Software\Classes\llamapool" "" "URL:llamapool"
  WriteRegStr HKCU "Software\Classes\llamapool" "URL Protocol" ""
  WriteRegStr HKCU "Software\Classes\llamapool\DefaultIcon" "" '"$INSTDIR\llamapool.exe",0'
  WriteRegStr HKCU "Software\Classes\llamapool\shell\open\command" "" '"$INSTDIR\llamapool.exe" "%1"'

  ; By which Windows names the app in notifications (`APP_ID` in notices.rs).
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

; The app has a switch for it too; both are the same value.
Section /o "Start at login" AtLogin
  WriteRegStr HKCU "${AT_LOGIN}" "llamapool" '"$INSTDIR\llamapool.exe" --hidden'
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${Main} "The tray app, and the worker for the command line."
  !insertmacro MUI_DESCRIPTION_TEXT ${AtLogin} "Starts llamapool without a window when you log in. It can be changed in its menu."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

; Settings and logs, in %ProgramData%\llamapool, stay.
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
  ; Somebody else may have taken the links over.
  ReadRegStr $0 HKCU "Software\Classes\llamapool\shell\open\command" ""
  ${If} $0 == '"$INSTDIR\llamapool.exe" "%1"'
    DeleteRegKey HKCU "Software\Classes\llamapool"
  ${EndIf}
SectionEnd
