# The time limits of the XRootD client on a worker, where the environment says no others: its own are minutes to hours.
xrd_limits() {
  export XRD_CONNECTIONWINDOW="${XRD_CONNECTIONWINDOW:-5}" XRD_CONNECTIONRETRY="${XRD_CONNECTIONRETRY:-2}"
  export XRD_REQUESTTIMEOUT="${XRD_REQUESTTIMEOUT:-60}" XRD_STREAMTIMEOUT="${XRD_STREAMTIMEOUT:-30}"
  export XRD_STREAMERRORWINDOW="${XRD_STREAMERRORWINDOW:-1}" XRD_TIMEOUTRESOLUTION="${XRD_TIMEOUTRESOLUTION:-1}"
  # Clients ask for the names of the node's addresses first: where no name server answers, they wait 5 s for each.
  export RES_OPTIONS="${RES_OPTIONS:-timeout:1 attempts:3}"
}
