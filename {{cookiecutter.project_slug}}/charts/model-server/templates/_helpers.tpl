{{- define "model-server.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
{{- end }}

{{- define "model-server.labels" -}}
app.kubernetes.io/component: model-server
{{ include "model-server.selector" . }}
{{- end }}
