#!/bin/sh
# Waits until W&B runs as it was last told to and answers, then ends with 0. When that takes too long it says why and
# ends with 1. Runs in the cluster; needs kubectl, curl and any POSIX shell.
#
#   NAMESPACE           where W&B is
#   INSTANCE            name of the WeightsAndBiases resource
#   OPERATOR_NAMESPACE  where W&B's operator is (for the advice that is printed)
#   REVISION            what the annotation wandb.pulumi/revision of every Deployment has to be
#   COMPONENTS          components that have to be there, separated by white space
#   READY_URLS          URLs that have to answer, separated by white space
#   TIMEOUT_SECONDS     how long to wait
#   POLL_SECONDS        how long to rest between two looks
set -u

DEPLOYMENTS=$(tr -d '\n' <<'JSONPATH'
{range .items[*]}
{.metadata.labels.app\.kubernetes\.io/name}|{.metadata.name}|{.metadata.annotations.wandb\.pulumi/revision}|
{.metadata.generation}|{.status.observedGeneration}|
{.spec.replicas}|{.status.updatedReplicas}|{.status.replicas}|{.status.availableReplicas}{"\n"}
{end}
JSONPATH
)

# pod|container|reason|message of whatever keeps a pod from being ready
PODS=$(tr -d '\n' <<'TEMPLATE'
{{range .items}}{{$pod := .metadata.name}}
{{range .status.conditions}}{{if eq .type "PodScheduled"}}{{if eq .status "False"}}
{{$pod}}|-|{{.reason}}|{{or .message ""}}{{"\n"}}
{{end}}{{end}}{{end}}
{{range .status.initContainerStatuses}}{{$container := .name}}
{{with .state.waiting}}{{$pod}}|{{$container}}|{{.reason}}|{{or .message ""}}{{"\n"}}{{end}}
{{with .state.running}}{{$pod}}|{{$container}}|StillInitializing|since {{.startedAt}}{{"\n"}}{{end}}
{{end}}
{{range .status.containerStatuses}}{{$container := .name}}
{{with .state.waiting}}{{$pod}}|{{$container}}|{{.reason}}|{{or .message ""}}{{"\n"}}{{end}}
{{if not .ready}}{{with .state.running}}{{$pod}}|{{$container}}|NotReady|running since {{.startedAt}}{{"\n"}}{{end}}{{end}}
{{end}}
{{end}}
TEMPLATE
)

EVENTS=$(tr -d '\n' <<'COLUMNS'
custom-columns=AT:.metadata.creationTimestamp,KIND:.involvedObject.kind,NAME:.involvedObject.name,
REASON:.reason,MESSAGE:.message
COLUMNS
)

say() {
  printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"
}

indented() {
  printf '%s\n' "$1" | sed -e '/^$/d' -e 's/^/    /'
}

k() {
  kubectl --namespace "$NAMESPACE" --request-timeout 30s "$@"
}

has() {
  case $1 in
    *"$2"*) return 0 ;;
  esac
  return 1
}

# One line per component that does not run this revision in full; nothing when all do.
unfinished() {
  if ! lines=$(k get deployments --selector "app.kubernetes.io/instance=$INSTANCE" --output "jsonpath=$DEPLOYMENTS" 2>&1)
  then
    echo "The Deployments cannot be read: $lines"
    return
  fi
  for component in $COMPONENTS; do
    has "
$lines" "
$component|" || echo "$component: its Deployment does not exist yet"
  done
  while IFS='|' read -r component name running generation observed wanted updated total available; do
    [ -n "$name" ] || continue
    wanted=${wanted:-1} updated=${updated:-0} total=${total:-0} available=${available:-0}
    if [ "$running" != "$REVISION" ]; then
      echo "$component: $name is still of revision ${running:-none}"
    elif [ "${observed:-0}" -lt "$generation" ]; then
      echo "$component: the change of $name has not been seen yet"
    elif [ "$updated" -lt "$wanted" ]; then
      echo "$component: $updated of $wanted pods are of this revision"
    elif [ "$total" -gt "$updated" ]; then
      echo "$component: $((total - updated)) pods of an older revision are ending"
    elif [ "$available" -lt "$updated" ]; then
      echo "$component: $available of $updated pods are ready"
    fi
  done <<LINES
$lines
LINES
}

# One line per URL that does not answer.
unanswered() {
  for url in $READY_URLS; do
    if ! answer=$(curl --silent --show-error --fail --max-time 10 --output /dev/null "$url" 2>&1); then
      echo "$url: $answer"
    fi
  done
}

pod_problems() {
  k get pods --selector "app.kubernetes.io/instance=$INSTANCE" --output "go-template=$PODS" 2>&1
}

# Without what a container goes through on its way anyway.
unusual() {
  grep -v -e '|PodInitializing|' -e '|ContainerCreating|' -e '|StillInitializing|' -e '|NotReady|'
}

causes_in_pods() {
  if has "$problems" '|CreateContainerConfigError|'; then
    echo "A Secret or ConfigMap that a pod reads is missing, or lacks the key: the message above names it. Create it in"
    echo "  namespace $NAMESPACE, or correct its name in the stack's settings. The pod then starts by itself."
  fi
  if has "$problems" '|ErrImagePull|' || has "$problems" '|ImagePullBackOff|' || has "$problems" '|InvalidImageName|'; then
    echo "An image cannot be pulled: its version does not exist, or the nodes cannot reach its registry."
  fi
  if has "$problems" '|Unschedulable|'; then
    echo "No node has room for a pod: add a node, or plan smaller components."
  fi
  if has "$problems" '|init-db|'; then
    echo "MySQL does not answer W&B: check its host, port, user and password, and that the pods can reach it."
  fi
  if has "$problems" '|migrate-db|'; then
    echo "The migration of MySQL fails or is still running: the user needs all rights on the database."
  fi
  if has "$problems" '|weave-trace-migrate|'; then
    echo "The migration of ClickHouse fails or is still running: check its host, password, cluster and the user's grants."
  fi
  if has "$problems" '|CrashLoopBackOff|'; then
    echo "A container starts and ends: kubectl --namespace $NAMESPACE logs POD --container CONTAINER --previous"
  fi
  if has "$problems" '|NotReady|'; then
    echo "A container runs without getting ready, often because MySQL, Redis or the bucket does not answer it:"
    echo "  kubectl --namespace $NAMESPACE logs POD --container CONTAINER"
  fi
}

likely_causes() {
  causes_in_pods
  if has "$waiting" 'does not exist yet' || has "$waiting" 'is still of revision'; then
    echo "W&B's operator has not applied this revision; an apply that failed is tried again after ten minutes:"
    echo "  kubectl --namespace $OPERATOR_NAMESPACE logs deployment/wandb-controller-manager"
  fi
  case $waiting in
    http*) echo "All pods are ready, yet a Service does not answer: does a NetworkPolicy keep this Job's pod from it?" ;;
  esac
}

diagnose() {
  problems=$(pod_problems)
  say "W&B is not ready after $TIMEOUT_SECONDS seconds. What is missing:"
  indented "$waiting"
  say "Containers that are not ready (pod|container|reason|message):"
  indented "${problems:-none}"
  say "Phase of WeightsAndBiases $INSTANCE:"
  indented "$(k get weightsandbiases.apps.wandb.com "$INSTANCE" --output 'jsonpath={.status.phase}' 2>&1)"
  say "Last warnings in namespace $NAMESPACE:"
  indented "$(k get events --field-selector type=Warning --sort-by .metadata.creationTimestamp --output "$EVENTS" 2>&1 |
    tail -n 20)"
  causes=$(likely_causes)
  say "Likely cause:"
  indented "${causes:-None stands out: kubectl --namespace $NAMESPACE describe pods}"
}

say "Waiting up to $TIMEOUT_SECONDS seconds for revision $REVISION of W&B."
deadline=$(($(date +%s) + TIMEOUT_SECONDS))
told=''
while :; do
  waiting=$(unfinished)
  [ -n "$waiting" ] || waiting=$(unanswered)
  if [ -z "$waiting" ]; then
    say "W&B is ready: every Deployment runs this revision, and every URL answers."
    exit 0
  fi
  news="$waiting
$(pod_problems | unusual)"
  if [ "$news" != "$told" ]; then
    say "Not yet:"
    indented "$news"
    told=$news
  fi
  [ "$(date +%s)" -lt "$deadline" ] || break
  sleep "$POLL_SECONDS"
done
diagnose
exit 1
